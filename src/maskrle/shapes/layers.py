"""Layers of the embedded network as OpenVINO operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino import Node

__all__ = ["Layers", "constant", "part", "resample", "resize", "sample", "side_of", "upsample"]


_BILINEAR = {"align_corners": False, "mode": "bilinear", "padding_mode": "border"}


def constant(value: Any, dtype: Any = np.float32) -> Node:
    return ops.constant(np.asarray(value, dtype))


def part(x: Node, index: int | list[int], axis: int) -> Node:
    """Slices of an axis by index; the axis stays."""
    chosen = [index] if isinstance(index, int) else index
    return ops.gather(x, constant(chosen, np.int64), constant(axis, np.int64))


def side_of(x: Node, axis: int) -> Node:
    """The length of an axis, int64 [1]."""
    return part(ops.shape_of(x), axis, 0)


def upsample(x: Node) -> Node:
    """Twice as many rows and columns, each value repeated."""
    return ops.interpolate(
        x,
        constant([2.0, 2.0]),
        "nearest",
        "scales",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
        axes=constant([2, 3], np.int64),
    )


def resize(x: Node, sides: Node) -> Node:
    """Bilinear with half-pixel centres to (height, width) = `sides`, int64 [2]."""
    return ops.interpolate(
        x,
        sides,
        "linear_onnx",
        "sizes",
        coordinate_transformation_mode="half_pixel",
        axes=constant([2, 3], np.int64),
    )


def resample(image: Node, sides: Node) -> Node:
    """As `resize`, but faster for a large image, which the CPU's interpolation first copies channels-last."""
    height, width = (part(sides, axis, 0) for axis in (0, 1))
    y, x = _centers(height, [0, 2, 3]), _centers(width, [0, 1, 3])
    one = constant([1], np.int64)
    shape = ops.concat([one, height, width, one], 0)
    grid = ops.concat([ops.broadcast(axis, shape) for axis in (x, y)], 3)
    return ops.grid_sample(image, grid, _BILINEAR)


def _centers(side: Node, around: list[int]) -> Node:
    """Centres of `side` (int64 [1]) pixels from -1 to 1, with axes of length 1 around."""
    zero, one = constant(0, np.int64), constant(1, np.int64)
    steps = ops.range(zero, ops.squeeze(side, zero), one, "f32")
    centers = (steps + constant(0.5)) * (constant(2.0) / ops.convert(side, "f32")) - constant(1.0)
    return ops.unsqueeze(centers, constant(around, np.int64))


def sample(features: Node, boxes: Node, side: int) -> Node:
    """Bilinear samples at the centres of side x side bins of every box.

    features [1, C, h, w]; boxes [K, 4], x_min, y_min, x_max, y_max as shares of the map.
    Returns [K, C, side, side].
    """
    steps = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    count = side_of(boxes, 0)
    low_x, low_y, high_x, high_y = (part(boxes, edge, 1) for edge in range(4))
    # grid_sample wants -1 to 1 over the map, and one grid per image: the boxes lie below each other in it.
    two, one = constant(2.0), constant(1.0)
    along_x = (low_x + (high_x - low_x) * constant(steps[None])) * two - one
    along_y = (low_y + (high_y - low_y) * constant(steps[None])) * two - one
    blank = constant(np.zeros((1, side, side)))
    x = ops.unsqueeze(along_x, constant([1], np.int64)) + blank
    y = ops.unsqueeze(along_y, constant([2], np.int64)) + blank
    grid = ops.concat([ops.unsqueeze(axis, constant([3], np.int64)) for axis in (x, y)], 3)
    lines = constant([side], np.int64)
    rows = ops.multiply(count, lines)
    # Shapes are spelled out, since -1 says nothing about an array without elements.
    grid = ops.reshape(
        grid, ops.concat([constant([1], np.int64), rows, lines, constant([2], np.int64)], 0), False
    )
    found = ops.grid_sample(features, grid, _BILINEAR)
    shape = ops.concat([side_of(features, 1), count, lines, lines], 0)
    return ops.transpose(ops.reshape(found, shape, False), constant([1, 0, 2, 3], np.int64))


class Layers:
    """Layers with weights, looked up by name: `name.weight` and `name.bias`."""

    def __init__(self, weights: Mapping[str, NDArray[np.float16]]) -> None:
        self._weights = weights

    def _constant(self, name: str) -> NDArray[np.float32]:
        return self._weights[name].astype(np.float32)

    def conv(self, x: Node, name: str, stride: int = 1, pad: tuple[int, int] | None = None) -> Node:
        """Convolution with bias; `pad` rows and columns on every side, half a kernel if not given."""
        weight = self._constant(f"{name}.weight")
        pads = [(side - 1) // 2 for side in weight.shape[2:]] if pad is None else list(pad)
        found = ops.convolution(x, constant(weight), [stride, stride], pads, pads, [1, 1])
        return found + constant(self._constant(f"{name}.bias")[None, :, None, None])

    def unit(self, x: Node, name: str, stride: int = 1, pad: tuple[int, int] | None = None) -> Node:
        """Convolution and ReLU."""
        return ops.relu(self.conv(x, name, stride, pad))

    def linear(self, x: Node, name: str) -> Node:
        """A fully connected layer, [K, C] to [K, D]."""
        found = ops.matmul(x, constant(self._constant(f"{name}.weight")), False, True)
        return found + constant(self._constant(f"{name}.bias")[None])
