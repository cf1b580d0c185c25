from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from maskrle.cli import main
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


def test_whatever_pycocotools_raises_is_one_error() -> None:
    annotations = truth()
    del annotations["annotations"][0]["iscrowd"]
    with pytest.raises(ValueError, match=r"^results or annotations: not in COCO's format \(KeyError: 'iscr"):
        evaluate([result(1)], annotations)


def test_ids_of_annotations_do_not_matter() -> None:
    annotations = truth()
    for annotation in annotations["annotations"]:
        annotation["id"] = 0  # which pycocotools takes for no match
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


def test_without_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(ImportError, match=r"evaluate needs pycocotools: pip install 'maskrle\[eval\]'"):
        evaluate([result(1)], truth())


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "results.json", tmp_path / "annotations.json"
    paths[0].write_text(json.dumps([result(1, width=77), result(2)]))
    paths[1].write_text(json.dumps(truth()))
    return paths


def test_command(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    assert main(["evaluate", *map(str, files)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = [line.split() for line in captured.out.splitlines()]
    assert lines[0] == ["metric", "box", "mask"]
    assert lines[1] == ["AP", "0.8000", "1.0000"]
    assert lines[4] == ["AP", "small", "-", "-"]
    assert len(lines) == 13


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [None, "no JSON", "\ud800", "[" * 100_000, "[1]", "{}"])
def test_command_with_bad_files(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], which: int, content: str | None
) -> None:
    if content is None:
        files[which].unlink()
    else:
        files[which].write_bytes(content.encode("utf-8", "surrogatepass"))
    assert main(["evaluate", *map(str, files)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("maskrle: error: ")
    assert files[which].name in captured.err
    assert captured.err.count("\n") == 1


def test_command_without_pycocotools(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    assert main(["evaluate", *map(str, files)]) == 1
    assert "pip install 'maskrle[eval]'" in capsys.readouterr().err
