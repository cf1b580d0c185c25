"""The embedded network's average precision: the native path, and what accuracy_checker does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
import procedures
import pytest
from test_evaluate import pycocotools

from maskrle import shapes
from maskrle.cli import main
from maskrle.dataset import write_scenes
from maskrle.evaluate import evaluate

COUNT = 10


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("scenes")
    assert main(["scenes", str(directory), "-n", str(COUNT), "--evaluate"]) == 0
    return directory


def dense(directory: Path, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Open Model Zoo's accuracy_checker: OpenCV resizes and draws, pycocotools encodes."""
    network = (800, 1365)
    model = ov.Core().compile_model(shapes.network(), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    results: list[dict[str, Any]] = []
    for image in images:
        pixels: Any = cv2.imread(str(directory / image["file_name"]))
        size = pixels.shape[:2]
        scale = min(network[0] / size[0], network[1] / size[1])
        resized = cv2.resize(pixels, (int(scale * size[1]), int(scale * size[0]))).astype(np.float32)
        padded = np.zeros((*network, 3), np.float32)
        padded[: resized.shape[0], : resized.shape[1]] = resized
        outputs = model(
            {
                "image_tensor": padded.transpose(2, 0, 1)[None],
                "image_info": np.array([[*network, 1]], np.float32),
            }
        )
        rows, masks = outputs["reshape_do_2d"], outputs["masks"]
        boxes = procedures.boxes_to_image(rows[:, 3:], size, network, "fit", pixels=False)
        for row, box, classes in zip(rows, boxes, masks, strict=True):
            label = int(row[1])
            rle: Any = procedures.coco(procedures.accuracy_checker(classes[label - 1], box, size, 0.5))
            results.append(
                {
                    "image_id": image["id"],
                    "category_id": label,
                    "bbox": [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
                    "score": float(row[2]),
                    "segmentation": rle,
                }
            )
    return results


def test_average_precision_is_that_of_accuracy_checkers_procedure(scenes: Path) -> None:
    """Exactly, for boxes and for masks: not one comparison comes out otherwise."""
    annotations = json.loads((scenes / "annotations.json").read_text())
    found = dense(scenes, annotations["images"])
    assert len(found) > COUNT
    measured = evaluate(scenes / "results.json", scenes / "annotations.json")
    for kind, name in (("box", "bbox"), ("mask", "segm")):
        stats, precision, recall = pycocotools(found, annotations, name)
        np.testing.assert_array_equal(measured[kind].precision, precision)
        np.testing.assert_array_equal(measured[kind].recall, recall)
        np.testing.assert_allclose(list(measured[kind].metrics.values()), stats, rtol=0, atol=1e-15)
        assert stats[0] > 0.8


def test_scenes_are_a_data_set(scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations = json.loads((scenes / "annotations.json").read_text())
    assert [image["id"] for image in annotations["images"]] == list(range(1, COUNT + 1))
    assert [category["name"] for category in annotations["categories"]] == list(shapes.CLASSES)
    for image in annotations["images"]:
        pixels = cv2.imread(str(scenes / image["file_name"]))
        assert pixels is not None
        assert pixels.shape == (image["height"], image["width"], 3)
    # Fewer scenes are the first ones, to the byte.
    assert list(write_scenes(tmp_path, 2)) == [
        sum(one["image_id"] == number for one in annotations["annotations"]) for number in (1, 2)
    ]
    name = annotations["images"][1]["file_name"]
    assert (tmp_path / name).read_bytes() == (scenes / name).read_bytes()
    # Without --evaluate nothing is predicted; with it, no warning says that results were cut.
    assert main(["scenes", str(tmp_path), "-n", "1"]) == 0
    assert not (tmp_path / "results.json").exists()
    assert capsys.readouterr().out.startswith("1 scenes with ")
    assert main(["evaluate", str(scenes / "results.json"), str(scenes / "annotations.json")]) == 0
    assert capsys.readouterr().err == ""
