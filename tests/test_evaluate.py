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
        ([result(1)], truth() | {"annotations": [{"id": 1}]}, "not in COCO's format"),
        ([result(1) | {"segmentation": 3}], truth(), "not in COCO's format"),
    ],
)
def test_other_formats(results: Any, annotations: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(results, annotations)


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
@pytest.mark.parametrize("content", [None, "no JSON", "\ud800"])
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
