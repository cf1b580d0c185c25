"""The embedded network and its scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino
import pytest

from maskrle import shapes
from maskrle.shapes.weights import WEIGHTS

INPUT = (800, 1365)
CONFIG = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}


def compile_network(height: int | None, width: int | None) -> openvino.CompiledModel:
    return openvino.Core().compile_model(shapes.network(height, width), "CPU", CONFIG)


@pytest.fixture(scope="module")
def official() -> openvino.CompiledModel:
    return compile_network(*INPUT)


@pytest.fixture(scope="module")
def dynamic() -> openvino.CompiledModel:
    return compile_network(None, None)


def fit(image: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The input tensor, and the factors from shares of the input to pixels of the image, for x, y, x, y."""
    scale = min(height / image.shape[0], width / image.shape[1])
    new_h, new_w = int(scale * image.shape[0]), int(scale * image.shape[1])
    tensor = np.zeros((1, 3, height, width), np.float32)
    tensor[0, :, :new_h, :new_w] = cv2.resize(image, (new_w, new_h)).transpose(2, 0, 1)
    across, down = width * image.shape[1] / new_w, height * image.shape[0] / new_h
    return tensor, np.array([across, down, across, down], np.float32)


def infer(compiled: openvino.CompiledModel, tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    info = np.array([[*tensor.shape[2:], 1]], np.float32)
    found = compiled({"image_tensor": tensor, "image_info": info})
    return found["reshape_do_2d"].copy(), found["masks"].copy()


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of every box of a with every box of b."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(-1)
    return inner / ((a[:, 2:] - a[:, :2]).prod(-1)[:, None] + (b[:, 2:] - b[:, :2]).prod(-1) - inner)


def mask_on_grid(mask: np.ndarray, box: np.ndarray) -> np.ndarray:
    """A full mask, read at the centres of a 33 x 33 grid over a box."""
    steps = (np.arange(33) + 0.5) / 33
    x = np.clip(box[0] + (box[2] - box[0]) * steps, 0, mask.shape[1] - 1).astype(int)
    y = np.clip(box[1] + (box[3] - box[1]) * steps, 0, mask.shape[0] - 1).astype(int)
    return mask[np.ix_(y, x)] > 0


def share_found(
    compiled: openvino.CompiledModel, seeds: range, size: tuple[int, int], side: tuple[int, int]
) -> float:
    """Share of the shapes found at a score of 0.5 with the right label, box and mask."""
    hits = total = 0
    for seed in seeds:
        image, truth = shapes.scene(seed, size)
        tensor, factors = fit(image, *side)
        rows, masks = infer(compiled, tensor)
        sure = rows[:, 2] >= 0.5
        rows, masks = rows[sure], masks[sure]
        boxes = rows[:, 3:] * factors
        overlap = box_iou(truth.boxes, boxes) * (truth.labels[:, None] == rows[None, :, 1])
        total += len(truth)
        for row, mask in zip(overlap, truth.masks, strict=True):
            if row.size == 0 or row.max() < 0.7:
                continue
            index = int(row.argmax())
            drawn = masks[index, int(rows[index, 1]) - 1] > 0.5
            seen = mask_on_grid(mask, boxes[index])
            hits += bool((drawn & seen).sum() >= 0.8 * (drawn | seen).sum())
    return hits / total


# Scenes


def test_classes() -> None:
    assert shapes.CLASSES == ("circle", "square", "triangle", "star", "ring", "heart", "cross", "crescent")


@pytest.mark.parametrize("size", [(32, 32), (33, 70), (480, 640), (90, 700), (640, 333)])
def test_scene_is_deterministic_and_its_truth_consistent(size: tuple[int, int]) -> None:
    for seed in range(4):
        image, truth = shapes.scene(seed, size)
        again, truth_again = shapes.scene(seed, size)
        np.testing.assert_array_equal(image, again)
        np.testing.assert_array_equal(truth.masks, truth_again.masks)
        assert image.dtype == np.uint8
        assert image.shape == (*size, 3)
        assert len(truth) == len(truth.labels) >= 1
        assert truth.labels.dtype == np.int64
        assert truth.boxes.dtype == np.float32
        assert truth.masks.dtype == np.uint8
        assert truth.masks.shape == (len(truth), *size)
        assert ((truth.labels >= 1) & (truth.labels <= 8)).all()
        assert truth.masks.max() == 1
        assert truth.masks.sum(axis=0).max() == 1, "visible parts overlap"
        for box, mask in zip(truth.boxes, truth.masks, strict=True):
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_scene_is_the_same_on_every_machine() -> None:
    image, truth = shapes.scene(7, (120, 160))
    assert truth.labels.tolist() == [2, 8, 7, 7, 3, 6, 8, 7, 7]
    assert abs(float(image.mean()) - 107.182) < 0.01


def test_scenes_differ_and_show_every_class() -> None:
    scenes = [shapes.scene(seed, (96, 128)) for seed in range(30)]
    assert len({image.tobytes() for image, _ in scenes}) == 30
    assert set(np.concatenate([truth.labels for _, truth in scenes]).tolist()) == set(range(1, 9))


def test_large_scene() -> None:
    image, truth = shapes.scene(0, (2160, 3840))
    assert image.shape == (2160, 3840, 3)
    short = np.minimum(*(truth.boxes[:, 2:] - truth.boxes[:, :2]).T)
    assert short.min() > 0.06 * 2160


def test_annotations_hold_the_masks() -> None:
    _, truth = shapes.scene(3, (60, 80))
    annotations = truth.annotations(image_id=9, first_id=5)
    assert [annotation["id"] for annotation in annotations] == list(range(5, 5 + len(truth)))
    for annotation, label, box, mask in zip(annotations, truth.labels, truth.boxes, truth.masks, strict=True):
        rle = annotation["segmentation"]
        assert rle["size"] == [60, 80]
        runs = np.arange(len(rle["counts"])) % 2
        np.testing.assert_array_equal(np.repeat(runs, rle["counts"]).reshape(80, 60).T, mask)
        assert annotation["image_id"] == 9
        assert annotation["category_id"] == label
        assert annotation["area"] == mask.sum()
        assert annotation["bbox"] == [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def test_a_mask_that_begins_at_the_first_pixel() -> None:
    masks = np.array([[[1, 0], [0, 1]]], np.uint8)
    truth = shapes.Truth(np.array([1]), np.array([[0, 0, 2, 2]], np.float32), masks)
    assert truth.annotations(1)[0]["segmentation"] == {"size": [2, 2], "counts": [0, 1, 2, 1]}


@pytest.mark.parametrize("seed", [1.0, "1", None, True])
def test_scene_refuses_seeds_that_are_no_integers(seed: Any) -> None:
    with pytest.raises(TypeError, match="seed must be an integer"):
        shapes.scene(seed)


def test_scene_refuses_negative_seeds() -> None:
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        shapes.scene(-1)


@pytest.mark.parametrize(
    ("size", "error"),
    [
        ((31, 640), ValueError),
        ((480, 0), ValueError),
        ((480,), ValueError),
        ((480, 640, 3), ValueError),
        (480, TypeError),
        (None, TypeError),
        ((480.0, 640), TypeError),
        (("480", 640), TypeError),
        ((True, 640), TypeError),
    ],
)
def test_scene_refuses_bad_sizes(size: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"size|height|width"):
        shapes.scene(0, size)


# Network


def test_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 1_000_000


def test_contract(official: openvino.CompiledModel) -> None:
    model = shapes.network(*INPUT)
    assert model.get_rt_info(["model_info", "labels"]).astype(str) == " ".join(shapes.CLASSES)
    assert [tensor.any_name for tensor in model.inputs] == ["image_tensor", "image_info"]
    assert [list(tensor.shape) for tensor in model.inputs] == [[1, 3, 800, 1365], [1, 3]]
    assert [tensor.any_name for tensor in model.outputs] == ["reshape_do_2d", "masks"]
    detections, masks = (tensor.partial_shape for tensor in model.outputs)
    assert detections[0].is_dynamic
    assert masks[0].is_dynamic
    assert detections[1].get_length() == 7
    assert [masks[axis].get_length() for axis in (1, 2, 3)] == [90, 33, 33]
    for tensor in (*model.inputs, *model.outputs):
        assert tensor.element_type == openvino.Type.f32


def test_values(official: openvino.CompiledModel) -> None:
    image, _ = shapes.scene(11)
    rows, masks = infer(official, fit(image, *INPUT)[0])
    assert len(rows) == len(masks) > 0
    assert (rows[:, 0] == 0).all()
    labels, scores, boxes = rows[:, 1].astype(int), rows[:, 2], rows[:, 3:]
    assert (rows[:, 1] == labels).all()
    assert ((labels >= 1) & (labels <= 8)).all()
    assert ((scores > 0.15) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert ((masks >= 0) & (masks <= 1)).all()
    own = np.arange(90)[None] == labels[:, None] - 1
    assert (masks[own].max(axis=(1, 2)) > 0.5).all()
    assert (masks[~own] == 0).all()


def test_finds_shapes(official: openvino.CompiledModel) -> None:
    assert share_found(official, range(100, 108), (480, 640), INPUT) >= 0.85


def test_finds_shapes_in_tall_and_wide_scenes(official: openvino.CompiledModel) -> None:
    assert share_found(official, range(200, 204), (640, 480), INPUT) >= 0.85
    assert share_found(official, range(300, 303), (800, 1365), INPUT) >= 0.85


@pytest.mark.parametrize("value", [0, 1, 30, 77, 128, 200, 254, 255])
def test_finds_nothing_in_one_colour(official: openvino.CompiledModel, value: int) -> None:
    rows, masks = infer(official, np.full((1, 3, *INPUT), value, np.float32))
    assert rows.shape == (0, 7)
    assert masks.shape == (0, 90, 33, 33)


@pytest.mark.parametrize("color", [(255, 0, 0), (40, 200, 90), (0, 30, 240), (250, 250, 250), (90, 90, 90)])
def test_finds_nothing_in_one_colour_with_padding(
    official: openvino.CompiledModel, color: tuple[int, int, int]
) -> None:
    image = np.full((480, 640, 3), color, np.uint8)
    assert len(infer(official, fit(image, *INPUT)[0])[0]) == 0


def test_dynamic_network_equals_the_static_one(
    official: openvino.CompiledModel, dynamic: openvino.CompiledModel
) -> None:
    tensor, _ = fit(shapes.scene(12)[0], *INPUT)
    for found, expected in zip(infer(dynamic, tensor), infer(official, tensor), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("side", [(480, 640), (640, 480), (300, 300), (1080, 1920)])
def test_dynamic_network_takes_any_size(dynamic: openvino.CompiledModel, side: tuple[int, int]) -> None:
    assert share_found(dynamic, range(400, 403), side, side) >= 0.8


@pytest.mark.parametrize("side", [(32, 32), (33, 900), (900, 33)])
def test_odd_sizes_run(dynamic: openvino.CompiledModel, side: tuple[int, int]) -> None:
    rows, masks = infer(dynamic, np.zeros((1, 3, *side), np.float32))
    assert rows.shape == (0, 7)
    assert masks.shape == (0, 90, 33, 33)


def test_static_network_of_another_size() -> None:
    compiled = compile_network(480, 640)
    assert list(compiled.input("image_tensor").shape) == [1, 3, 480, 640]
    assert share_found(compiled, range(500, 503), (480, 640), (480, 640)) >= 0.8


def test_half_dynamic_network() -> None:
    shape = shapes.network(None, 640).input("image_tensor").partial_shape
    assert shape[2].is_dynamic
    assert shape[3].get_length() == 640


@pytest.mark.parametrize(
    ("sides", "error"),
    [
        ((31, 64), ValueError),
        ((64, 0), ValueError),
        ((64.0, 64), TypeError),
        ((64, "64"), TypeError),
        ((True, 64), TypeError),
    ],
)
def test_network_refuses_bad_sides(sides: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"height|width"):
        shapes.network(*sides)


def test_missing_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("maskrle.shapes.weights.WEIGHTS", tmp_path / "weights.npz")
    with pytest.raises(FileNotFoundError, match="weights of the embedded network are missing"):
        shapes.network()
