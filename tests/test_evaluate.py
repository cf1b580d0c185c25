from __future__ import annotations

import contextlib
import copy
import io
import sys
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskrle.evaluate import METRICS, evaluate

SIDE = 200


def rectangle(x: int, y: int, width: int, height: int) -> dict[str, Any]:
    pixels = np.zeros((SIDE, SIDE), np.uint8, order="F")
    pixels[y : y + height, x : x + width] = 1
    rle = coco_mask.encode(pixels)
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def truth() -> dict[str, Any]:
    """Two images with a square of 100 x 100 each; classes 1 and 2."""
    annotations = [
        {
            "id": number,
            "image_id": number,
            "category_id": number,
            "bbox": [50, 50, 100, 100],
            "area": 10_000,
            "iscrowd": 0,
            "segmentation": rectangle(50, 50, 100, 100),
        }
        for number in (1, 2)
    ]
    images = [{"id": number, "height": SIDE, "width": SIDE} for number in (1, 2)]
    categories = [{"id": number, "name": str(number)} for number in (1, 2)]
    return {"images": images, "annotations": annotations, "categories": categories}


def result(image_id: int, width: int = 100, mask_width: int = 100) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "category_id": image_id,
        "bbox": [50, 50, width, 100],
        "score": 0.9,
        "segmentation": rectangle(50, 50, mask_width, 100),
    }


def test_perfect_results() -> None:
    measured = evaluate([result(1), result(2)], truth())
    assert list(measured) == ["box", "mask"]
    for one in measured.values():
        assert list(one.metrics) == list(METRICS)
        assert one.metrics["AP"] == pytest.approx(1)
        assert one.metrics["AP large"] == pytest.approx(1)
        assert one.metrics["AP small"] == -1
        assert one.precision.shape == (10, 101, 2, 4, 3)


def test_boxes_and_masks_are_measured_apart() -> None:
    # An IoU of 0.77: right at the six thresholds from 0.50 to 0.75. Half of the classes is found.
    measured = evaluate([result(1, width=77, mask_width=100)], truth())
    assert measured["box"].metrics["AP"] == pytest.approx(0.6 / 2)
    assert measured["box"].metrics["AP75"] == pytest.approx(0.5)
    assert measured["mask"].metrics["AP"] == pytest.approx(0.5)
    measured = evaluate([result(1, width=100, mask_width=77)], truth())
    assert measured["box"].metrics["AP"] == pytest.approx(0.5)
    assert measured["mask"].metrics["AP"] == pytest.approx(0.6 / 2)


def test_arguments_are_not_changed() -> None:
    results, annotations = [result(1), result(2)], truth()
    before = copy.deepcopy((results, annotations))
    evaluate(results, annotations)
    assert (results, annotations) == before


def test_results_without_masks() -> None:
    results = [{key: value for key, value in result(1).items() if key != "segmentation"}]
    assert list(evaluate(results, truth())) == ["box"]


@pytest.mark.parametrize(
    ("results", "annotations", "message"),
    [
        ([], truth(), "results: expected at least one, got none"),
        ({"a": 1}, truth(), "results: expected a list of objects with bbox, category_id, image_id, score"),
        ([{"image_id": 1}], truth(), "results: expected a list of objects"),
        ([result(3)], truth(), "results: image_id 3 is not among the annotated images"),
        ([result(1)], [], "annotations: expected an object with the lists images, annotations, categories"),
        ([result(1)], {"images": []}, "annotations: expected an object"),
        ([result(1)], truth() | {"images": [1]}, r"annotations: images\[0\]: expected an object with an id"),
        ([result(1)], truth() | {"categories": [{}]}, r"annotations: categories\[0\]: expected an object"),
        ([result(1)], truth() | {"annotations": [3]}, r"annotations: annotations\[0\]: expected an object"),
    ],
)
def test_other_formats(results: Any, annotations: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(results, annotations)


HUGE = 10**400
BOXES = ([1], [1, 2, 3], [1, 2, 3, "4"], [1, 2, 3, float("nan")], [1, 2, 3, HUGE], 7, None)
ANY_MASK = (3, None, [], {}, {"size": [SIDE, SIDE]}, {"size": [SIDE, 1], "counts": "0"})
RLES = ("", "garbage", "é", "0", [SIDE * SIDE - 1], [-1, SIDE * SIDE + 1], ["0"], 5)
POLYGONS = ([[1, 2]], ["abcdef"], [["1"] * 6], [[1, 1, 5, 5]], [[1] * 7], [1, 2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("image_id", ([1], None, {})),
        ("category_id", ([1], None)),
        ("bbox", BOXES),
        ("score", (float("nan"), float("inf"), "0.9", None, HUGE)),
        ("segmentation", ANY_MASK),
        ("segmentation", [{"size": [SIDE, SIDE], "counts": counts} for counts in RLES]),
        ("segmentation", ([[1, 1, 9, 1, 9, 9]], [{"size": [SIDE // 2, SIDE * 2], "counts": "0"}])),
    ],
)
def test_odd_results(field: str, values: Any) -> None:
    for value in values:
        with pytest.raises(ValueError, match=rf"^results: \[1\]: {field}") as error:
            evaluate([result(1), result(2) | {field: value}], truth())
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("image_id", ([1], None)),
        ("category_id", ([1], None)),
        ("bbox", BOXES),
        ("area", ("1", None)),
        ("segmentation", ANY_MASK),
        ("segmentation", [{"size": [SIDE, SIDE], "counts": counts} for counts in RLES]),
        ("segmentation", POLYGONS),
    ],
)
def test_odd_annotations(field: str, values: Any) -> None:
    for value in values:
        annotations = truth()
        annotations["annotations"][1][field] = value
        with pytest.raises(ValueError, match=rf"^annotations: annotations\[1\]: {field}") as error:
            evaluate([result(1)], annotations)
        assert "\n" not in str(error.value)


def test_masks_of_annotations_may_be_polygons_or_plain_runs() -> None:
    annotations = truth()
    square = [50, 50, 150, 50, 150, 150, 50, 150]
    runs = [50 * SIDE + 50, *[100, 100] * 99, 100, 50 * SIDE + 50]
    for at, segmentation in enumerate(([square], {"size": [SIDE, SIDE], "counts": runs})):
        annotations["annotations"][at]["segmentation"] = segmentation
    assert evaluate([result(1), result(2)], annotations)["mask"].metrics["AP"] == pytest.approx(1)


def test_masks_need_the_images_sizes() -> None:
    annotations = truth()
    del annotations["images"][1]["height"]
    with pytest.raises(ValueError, match=r"size: expected \[None, 200\] as the image, got \[200, 200\]"):
        evaluate([result(2)], annotations)
    with pytest.raises(ValueError, match="annotations: image 2 has no height and width"):
        evaluate([result(1)], annotations)


def test_results_with_masks_in_part() -> None:
    results = [result(1), result(2)]
    del results[1]["segmentation"]
    with pytest.raises(ValueError, match=r"results: \[1\]: it has no segmentation, and others have one"):
        evaluate(results, truth())


def test_whatever_hotcoco_raises_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("hotcoco.COCO", fail)
    with pytest.raises(
        ValueError, match=r"^results or annotations: not in COCO's format \(RuntimeError: odd"
    ):
        evaluate([result(1)], truth())


def test_no_crowds_where_annotations_do_not_say_so() -> None:
    annotations = truth()
    for annotation in annotations["annotations"]:
        del annotation["iscrowd"]
    assert evaluate([result(1), result(2)], annotations)["mask"].metrics["AP"] == pytest.approx(1)


def test_ids_of_annotations_do_not_matter() -> None:
    annotations = truth()
    for annotation in annotations["annotations"]:
        annotation["id"] = 0  # which COCO's evaluation takes for no match
    assert evaluate([result(1), result(2)], annotations)["box"].metrics["AP"] == pytest.approx(1)


def test_each_kind_goes_by_its_own_areas() -> None:
    """A wrong detection whose box is large and whose mask is not counts against medium masks only."""
    annotations = truth()
    for annotation in annotations["annotations"]:
        annotation |= {"area": 90 * 80, "bbox": [50, 50, 90, 80], "segmentation": rectangle(50, 50, 90, 80)}
    right = [
        result(number) | {"bbox": [50, 50, 90, 80], "segmentation": rectangle(50, 50, 90, 80)}
        for number in (1, 2)
    ]
    wrong = result(1) | {
        "score": 0.95,
        "bbox": [5, 5, 190, 190],
        "segmentation": rectangle(150, 0, 40, 199),
    }
    measured = evaluate([*right, wrong], annotations)
    assert measured["mask"].metrics["AP medium"] == pytest.approx(0.75)
    assert measured["box"].metrics["AP medium"] == pytest.approx(1)


def test_without_hotcoco(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    with pytest.raises(ImportError, match=r"evaluate needs hotcoco: pip install 'maskrle\[eval\]'"):
        evaluate([result(1)], truth())


def blob(size: tuple[int, int], box: Any) -> dict[str, Any]:
    """An ellipse in a box."""
    x, y, width, height = box
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = ((columns - x) / width - 0.5) ** 2 + ((rows - y) / height - 0.5) ** 2 <= 0.25
    rle = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def crowded(seed: int, images: int, classes: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What makes evaluations differ: crowds, equal scores, areas at the limits of small and large,
    more than 100 detections an image, classes and images with nothing, detections of other classes."""
    rng = np.random.default_rng(seed)
    size = (120, 160)
    results: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []

    def detected(image: int, label: int, box: list[float]) -> None:
        score = float(np.round(rng.random(), rng.choice([1, 6])))
        mask = blob(size, box)
        results.append(
            {
                "image_id": image,
                "category_id": label,
                "bbox": box,
                "score": score,
                "segmentation": mask,
            }
        )

    for image in range(1, images + 1):
        for _ in range(rng.integers(0, 9)):
            label, crowd = int(rng.integers(1, classes + 1)), bool(rng.random() < 0.15)
            box = [*rng.uniform(0, 100, 2), *np.exp(rng.uniform(np.log(4), np.log(150), 2))]
            if rng.random() < 0.3:
                side = rng.choice([32, 96])
                box = [5, 5, side, side]
            box = [float(value) for value in box]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": image,
                    "category_id": label,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": int(crowd),
                    "segmentation": blob(size, box),
                }
            )
            for _ in range(rng.integers(0, 15 if crowd else 4)):
                moved = np.array(box) + rng.normal(0, 0.1, 4) * (box[2:] + box[2:])
                moved[2:] = np.maximum(moved[2:], 1)
                other = int(rng.integers(1, classes + 2))
                detected(image, label if rng.random() < 0.9 else other, moved.tolist())
        for _ in range(120 * (image % 10 == 0)):
            detected(image, 1, [*rng.uniform(0, 100, 2).tolist(), *rng.uniform(5, 60, 2).tolist()])
    listed = [{"id": image, "height": size[0], "width": size[1]} for image in range(images, 0, -1)]
    categories = [{"id": label, "name": str(label)} for label in range(classes + 1, 0, -1)]
    shuffled = [results[at] for at in rng.permutation(len(results))]
    return shuffled, {"images": listed, "annotations": annotations, "categories": categories}


def pycocotools(
    results: list[dict[str, Any]], annotations: dict[str, Any], kind: str, label: int | None = None
) -> tuple[Any, Any, Any]:
    """pycocotools' own numbers: the twelve, precision, recall; of one class, if given."""
    other = {"bbox": "segmentation", "segm": "bbox"}[kind]
    numbered = [one | {"id": number} for number, one in enumerate(annotations["annotations"], start=1)]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = annotations | {"annotations": numbered}
        coco.createIndex()
        found = coco.loadRes([{key: value for key, value in one.items() if key != other} for one in results])
        evaluation = COCOeval(coco, found, kind)
        if label is not None:
            evaluation.params.catIds = [label]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats, evaluation.eval["precision"], evaluation.eval["recall"]


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_are_those_of_pycocotools(seed: int) -> None:
    results, annotations = crowded(seed, images=40, classes=6)
    measured = evaluate(results, annotations)
    for kind, name in (("box", "bbox"), ("mask", "segm")):
        stats, precision, recall = pycocotools(results, annotations, name)
        assert 0.05 < stats[0] < 0.95
        assert (stats > 0).all()  # so every area is there
        np.testing.assert_allclose(list(measured[kind].metrics.values()), stats, rtol=0, atol=1e-9)
        np.testing.assert_allclose(measured[kind].precision, precision, rtol=0, atol=1e-9)
        np.testing.assert_allclose(measured[kind].recall, recall, rtol=0, atol=1e-9)


def test_the_numbers_of_each_class_are_those_of_pycocotools() -> None:
    results, annotations = crowded(9, images=30, classes=3)
    measured = evaluate(results, annotations)
    for kind, name in (("box", "bbox"), ("mask", "segm")):
        assert list(measured[kind].by_class) == [1, 2, 3, 4]
        for label, metrics in measured[kind].by_class.items():
            stats, _, _ = pycocotools(results, annotations, name, int(label))
            np.testing.assert_allclose(list(metrics.values()), stats, rtol=0, atol=1e-9)


def test_ids_may_be_words_and_any_numbers() -> None:
    results, annotations = crowded(1, images=12, classes=3)
    wanted = evaluate(results, annotations)
    renamed = copy.deepcopy((results, annotations))
    for one in (*renamed[0], *renamed[1]["annotations"]):
        one["image_id"] = f"image {one['image_id']:03}"
        one["category_id"] -= 2**40
    for one in renamed[1]["images"]:
        one["id"] = f"image {one['id']:03}"
    for one in renamed[1]["categories"]:
        one["id"] -= 2**40
    measured = evaluate(*renamed)
    for kind in wanted:
        np.testing.assert_array_equal(measured[kind].precision, wanted[kind].precision)
