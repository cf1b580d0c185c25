"""A hand-built OpenVINO network of each contract, with known answers.

How many of its answers a network gives follows from the picture: as many as the value of its top left pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from graphs import model, named
from numpy.typing import NDArray
from openvino import opset13 as op

SIZE = (120, 200)
WHITE = {"torchvision": 1}
PIXELS = ("omz-instance", "segmentoly", "torchvision")
"""Contracts with boxes in pixels of the network's input; the others' are fractions of it."""


class Answers(NamedTuple):
    """What a network says about an image: labels as in `Instances`, boxes x first in the contract's units."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    masks: NDArray[np.float32]


def answers(
    contract: str, count: int, seed: int, size: tuple[int, int] = SIZE, side: int | None = None
) -> Answers:
    """`count` detections: scores of 0.5 to 0.99 in no order, boxes that may leave the image, smooth masks."""
    rng = np.random.default_rng(seed)
    side = side or {"omz-instance": 28, "torchvision": 28, "segmentoly": 14}.get(contract, 33)
    corners = np.sort(rng.uniform(-0.15, 1.15, (count, 2, 2)), axis=1).reshape(count, 4)
    if contract in PIXELS:
        corners *= [size[1], size[0], size[1], size[0]]
    corners[:, 2:] = np.maximum(corners[:, 2:], 0.01)
    across = np.linspace(0, 1, side)
    phase = rng.uniform(0, 6, (count, 2, 1, 1))
    waves = np.sin(7 * across[:, None] + phase[:, 0]) * np.cos(5 * across + phase[:, 1])
    masks = 1 / (1 + np.exp(-6 * waves - rng.normal(0, 0.3, waves.shape)))
    return Answers(
        rng.integers(1, 81, count),
        rng.uniform(0.5, 0.99, count).astype(np.float32),
        corners.astype(np.float32),
        masks.astype(np.float32),
    )


def network(
    contract: str,
    per_image: Sequence[Answers],
    *,
    size: tuple[int, int] = SIZE,
    layout: str = "NCHW",
    dtype: type = np.float32,
    shape: Sequence[int] | ov.PartialShape | None = None,
    info: int = 1,
    all_classes: bool = False,
) -> ov.Model:
    """A network of this contract that knows these answers, one `Answers` for each image of its batch.

    shape         of the image input, where it is not to follow from batch, size and layout
    info          omz-tf and segmentoly: rows of the input for the size; 0 for none
    all_classes   tf-od: masks of all classes, NaN in all channels but the right one
    """
    batch = len(per_image)
    if shape is None:
        shape = [batch, 3, *size] if layout == "NCHW" else [batch, *size, 3]
    image = {"omz-instance": "image", "segmentoly": "im_data", "torchvision": "images"}
    parameters = [named(op.parameter(shape, dtype), image.get(contract, "image_tensor"))]
    infos = {"omz-tf": "image_info", "segmentoly": "im_info"}
    if info and contract in infos:
        parameters.append(named(op.parameter([info, 3], np.float32), infos[contract]))
    corner = op.slice(parameters[0], _ints([0, 0, 0]), _ints([1, 1, 1]), _ints([1, 1, 1]), _ints([1, 2, 3]))
    white = 255 if dtype == np.uint8 else WHITE.get(contract, 255)
    scale = op.constant(np.float32(255 / white))
    flat = op.multiply(op.reshape(op.convert(corner, "f32"), _ints([-1]), False), scale)
    values = op.round(flat, "half_to_even")
    padded = op.concat(
        [values, op.constant(np.zeros(batch, np.float32))], 0
    )  # a dynamic batch may be smaller
    counts = [op.convert(op.gather(padded, _ints([at]), _ints(0)), "i64") for at in range(batch)]
    if contract == "tf-od":
        outputs = _tf_od(per_image, values, all_classes)
    else:
        outputs = _OUTPUTS[contract](per_image, counts)
    return model(parameters, **outputs)


def in_channels(masks: NDArray[np.float32], channels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Masks [N, h, w] in their channels of [N, count, h, w]; all others hold NaN."""
    spread = np.full((len(masks), count, *masks.shape[1:]), np.nan, np.float32)
    spread[np.arange(len(masks)), channels] = masks
    return spread


def _omz_tf(per_image: Sequence[Answers], counts: Sequence[Any]) -> dict[str, Any]:
    tables, masks = [], []
    for at, (known, count) in enumerate(zip(per_image, counts, strict=True)):
        columns = [np.full(len(known.labels), at), known.labels, known.scores, known.boxes]
        tables.append(_first(np.column_stack(columns).astype(np.float32), count))
        masks.append(_first(in_channels(known.masks, known.labels - 1, 90), count))
    end = np.array([[-1, *[np.nan] * 6]] * 2, np.float32)
    tables.append(op.constant(end))
    masks.append(op.constant(np.full((2, 90, *per_image[0].masks.shape[1:]), np.nan, np.float32)))
    return {"reshape_do_2d": op.concat(tables, 0), "masks": op.concat(masks, 0)}


def _tf_od(per_image: Sequence[Answers], counts: Any, all_classes: bool) -> dict[str, Any]:
    spare = 3  # rows beyond num_detections, full of garbage

    def stacked(pick: Callable[[Answers], NDArray[Any]]) -> Any:
        tensors = [np.asarray(pick(known), np.float32) for known in per_image]
        rest = [(0, 0)] * (tensors[0].ndim - 1)
        return op.constant(
            np.stack([np.pad(tensor, [(0, spare), *rest], constant_values=np.nan) for tensor in tensors])
        )

    def masks(known: Answers) -> NDArray[np.float32]:
        return in_channels(known.masks, known.labels - 1, 90) if all_classes else known.masks

    return {
        "num_detections": counts,
        "detection_boxes": stacked(lambda known: known.boxes[:, [1, 0, 3, 2]]),
        "detection_scores": stacked(lambda known: known.scores),
        "detection_classes": stacked(lambda known: known.labels),
        "detection_masks": stacked(masks),
        "raw_detection_boxes": op.constant(np.zeros((len(per_image), 50, 4), np.float32)),
        "detection_masks_1": op.constant(np.zeros((50, 90, 33, 33), np.float32)),
    }


def _omz_instance(per_image: Sequence[Answers], counts: Sequence[Any]) -> dict[str, Any]:
    (known,), (count,) = per_image, counts
    boxes = np.column_stack([known.boxes, known.scores])

    def padded(values: NDArray[Any]) -> Any:  # rows without a detection are zero
        return op.concat(
            [_first(values, count), op.constant(np.zeros((2, *values.shape[1:]), values.dtype))], 0
        )

    return {"labels": padded(known.labels - 1), "boxes": padded(boxes), "masks": padded(known.masks)}


def _segmentoly(per_image: Sequence[Answers], counts: Sequence[Any]) -> dict[str, Any]:
    (known,), (count,) = per_image, counts

    def padded(values: NDArray[Any], fill: float) -> Any:  # rows of class 0 are no detection
        return op.concat(
            [_first(values, count), op.constant(np.full((2, *values.shape[1:]), fill, values.dtype))], 0
        )

    return {
        "classes": padded(known.labels, 0),
        "scores": padded(known.scores, 1),
        "boxes": padded(known.boxes, np.nan),
        "raw_masks": padded(in_channels(known.masks, known.labels, 81), np.nan),
    }


def _torchvision(per_image: Sequence[Answers], counts: Sequence[Any]) -> dict[str, Any]:
    (known,), (count,) = per_image, counts
    tensors = (known.labels, known.scores, known.boxes, known.masks[:, None])
    return {
        name: _first(values, count)
        for name, values in zip(("labels", "scores", "boxes", "masks"), tensors, strict=True)
    }


_OUTPUTS = {
    "omz-tf": _omz_tf,
    "omz-instance": _omz_instance,
    "segmentoly": _segmentoly,
    "torchvision": _torchvision,
}
CONTRACTS = ("omz-tf", "tf-od", "omz-instance", "segmentoly", "torchvision")


def _first(values: NDArray[Any], count: Any) -> Any:
    return op.slice(op.constant(values), _ints([0]), count, _ints([1]), _ints([0]))


def _ints(value: Any) -> Any:
    return op.constant(np.array(value, np.int64))
