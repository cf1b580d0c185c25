"""A real graph of TensorFlow, made by tools/make_frozen_graph.py, read as it is: contract tf-od."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import openvino as ov
import procedures
import pytest
from numpy.typing import NDArray

from maskrle import Segmenter
from maskrle.labels import COCO_90

Found: TypeAlias = tuple[int, float, NDArray[np.float64], NDArray[np.float64]]

DATA = Path(__file__).parent / "data"
FILES = [DATA / "detector.pb", DATA / "detector"]


@pytest.fixture(params=FILES, ids=["frozen graph", "SavedModel"])
def path(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def picture() -> NDArray[np.uint8]:
    """Blobs of blue, green and red, BGR."""
    image = np.zeros((150, 220, 3), np.uint8)
    cv2.ellipse(image, (60, 50), (40, 35), 0, 0, 360, (255, 20, 20), -1)
    cv2.ellipse(image, (160, 45), (45, 30), 20, 0, 360, (10, 230, 0), -1)
    cv2.ellipse(image, (110, 110), (70, 36), -10, 0, 360, (0, 30, 200), -1)
    return cv2.GaussianBlur(image, (0, 0), 3).astype(np.uint8)


def crop(image: NDArray[np.float64], anchor: NDArray[np.float64], side: int = 33) -> NDArray[np.float64]:
    """TensorFlow's crop_and_resize."""
    taps = []
    for low, high, length in zip(anchor[:2], anchor[2:], image.shape[:2], strict=True):
        at = low * (length - 1) + np.arange(side) * (high - low) * (length - 1) / (side - 1)
        under = np.minimum(np.floor(at).astype(int), length - 2)
        taps.append((under, at - under))
    (y, fy), (x, fx) = taps
    fx, fy = fx[None, :, None], fy[:, None, None]
    upper = image[np.ix_(y, x)] * (1 - fx) + image[np.ix_(y, x + 1)] * fx
    lower = image[np.ix_(y + 1, x)] * (1 - fx) + image[np.ix_(y + 1, x + 1)] * fx
    return upper * (1 - fy) + lower * fy


def overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = max(sides[0], 0) * max(sides[1], 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(shared / (sum(areas) - shared))


def detect(image: NDArray[np.uint8]) -> list[Found]:
    """What the graph computes, in numpy: label, score, box (y first, fractions), mask; best score first."""
    rgb = image[..., ::-1].astype(np.float64)
    anchors = [
        np.array([y * step, x * step, y * step + side, x * step + side])
        for step, side, count in ((0.25, 0.25, 4), (0.125, 0.5, 5))
        for y in range(count)
        for x in range(count)
    ]
    found = []
    for anchor in anchors:
        pixels = crop(rgb, anchor) / 255
        strength = pixels.mean(axis=(0, 1))
        label = int(np.argmax(strength))
        found.append((label + 1, float(strength[label]), anchor, pixels[..., label]))
    kept: list[Found] = []
    for one in sorted(found, key=lambda one: -one[1]):
        if one[1] > 0.3 and all(overlap(one[2], other[2]) <= 0.5 for other in kept):
            kept.append(one)
    return kept[:10]


def test_is_recognised(path: Path) -> None:
    segmenter = Segmenter(path)
    assert segmenter.contract.name == "tf-od"
    assert (segmenter.input_size, segmenter.color, segmenter.names) == (None, "rgb", COCO_90)


def test_other_outputs_are_ignored() -> None:
    outputs = [sorted(port.get_names()) for port in ov.Core().read_model(FILES[0]).outputs]
    assert len(outputs) >= 8
    assert any("while" in name for names in outputs for name in names)


def test_finds_what_the_pixels_say(path: Path) -> None:
    image = picture()
    found = Segmenter(path, score_threshold=0, paste="tf")(image)
    expected = detect(image)
    assert len(expected) > 4
    assert found.labels.tolist() == [label for label, *_ in expected]
    assert set(found.labels.tolist()) == {1, 2, 3}
    np.testing.assert_allclose(found.scores, [score for _, score, *_ in expected], atol=1e-5)
    boxes = np.array([box[[1, 0, 3, 2]] for *_, box, _ in expected]) * [220, 150, 220, 150]
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-4)
    for mask, (*_, soft), box in zip(found.to_masks(), expected, boxes, strict=True):
        values = procedures.tensorflow(soft.astype(np.float32), box.astype(np.float32), (150, 220))
        sure = np.abs(values - 0.5) > 1e-4
        np.testing.assert_array_equal(mask[sure], (values > 0.5)[sure])


@pytest.mark.parametrize(("resize", "size"), [("fit", (100, 146)), ("stretch", (100, 200))])
def test_strings_are_those_of_the_raw_outputs(resize: str, size: tuple[int, int], path: Path) -> None:
    """Of the model with a size of its own, 100 x 200."""
    image = picture()
    model = ov.Core().read_model(path)
    model.reshape([1, 100, 200, 3])
    found = Segmenter(model, score_threshold=0, resize=resize)(image)
    pixels = np.zeros((1, 100, 200, 3), np.uint8)
    pixels[0, : size[0], : size[1]] = cv2.resize(image, size[::-1])[..., ::-1]
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    raw = compiled(pixels)
    named = {name.removesuffix(":0"): raw[port] for port in compiled.outputs for name in port.get_names()}
    count = int(named["num_detections"][0])
    assert len(found) == count > 4
    boxes = procedures.boxes_to_image(
        named["detection_boxes"][0, :count][:, [1, 0, 3, 2]], (150, 220), (100, 200), resize, pixels=False
    )
    np.testing.assert_array_equal(found.boxes, boxes)
    for rle, mask, box in zip(found.rles, named["detection_masks"][0], boxes, strict=False):
        assert rle == procedures.coco(procedures.accuracy_checker(mask, box, (150, 220), 0.5))


def test_nothing_to_find(path: Path) -> None:
    assert len(Segmenter(path, score_threshold=0)(np.zeros((40, 50, 3), np.uint8))) == 0
