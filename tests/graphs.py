"""Small hand-built OpenVINO networks of contract omz-tf with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

SIZE = (800, 1365)


def inputs(size: tuple[int, int] = SIZE, *, image_info: bool = True, suffix: str = "") -> list[Any]:
    parameters = [named(op.parameter([1, 3, *size], np.float32), f"image_tensor{suffix}")]
    if image_info:
        parameters.append(named(op.parameter([1, 3], np.float32), f"image_info{suffix}"))
    return parameters


def model(parameters: list[Any], **outputs: Any) -> ov.Model:
    """A model of these inputs and outputs, named; `__` in a name stands for a colon."""
    results = [named(node, name.replace("__", ":")) for name, node in outputs.items()]
    return ov.Model([op.result(node) for node in results], parameters, "graph")


def constant(
    table: NDArray[np.float32],
    masks: NDArray[Any],
    *,
    size: tuple[int, int] = SIZE,
    image_info: bool = True,
    parameters: list[Any] | None = None,
) -> ov.Model:
    """Answers with the first rows of `table` and `masks`: as many as the top left pixel's blue value says."""
    parameters = parameters or inputs(size, image_info=image_info)
    corner = op.reshape(op.gather(_flat(parameters[0]), _whole(0), _whole(0)), _whole([1]), False)
    count = op.convert(corner, "i64")

    def first(values: NDArray[Any]) -> Any:
        return op.slice(op.constant(values), _whole([0]), count, _whole([1]), _whole([0]))

    return model(parameters, reshape_do_2d=first(table), masks=first(masks))


def echo(size: tuple[int, int] = SIZE) -> ov.Model:
    """Answers with one row whose box is made of its inputs: blue, green, red of the top left pixel over
    1024, and the sum of image_info over 8192. Its mask, of 3 by 3 pixels, is one everywhere."""
    parameters = inputs(size)
    pixel = op.gather(op.reshape(parameters[0], _whole([3, size[0] * size[1]]), False), _whole(0), _whole(1))
    info = op.reshape(op.reduce_sum(parameters[1], _whole([0, 1])), _whole([1]), False)
    box = op.concat([op.divide(pixel, _real([1024.0])), op.divide(info, _real([8192.0]))], 0)
    row = op.concat([op.constant(np.array([0, 1, 0.75], np.float32)), box], 0)
    # The masks depend on the input, so that they are computed again in each inference.
    still = op.multiply(op.reduce_max(_flat(parameters[0]), _whole([0]), True), _real([0.0]))
    masks = op.add(op.constant(np.ones((1, 2, 3, 3), np.float32)), still)
    return model(parameters, reshape_do_2d=op.reshape(row, _whole([1, 7]), False), masks=masks)


def slow(layers: int) -> ov.Model:
    """As `constant` with one row, after that many convolutions of some 10 milliseconds each."""
    table, masks = rows(1, seed=0, classes=2)
    table[:, 2] = 0.9
    parameters = inputs(image_info=False)
    weights = np.random.default_rng(0).normal(0, 0.02, (64, 64, 3, 3)).astype(np.float32)
    pixels = op.gather(_flat(parameters[0]), op.constant(np.arange(64 * 128 * 128)), _whole(0))
    x = op.reshape(pixels, _whole([1, 64, 128, 128]), False)
    for _ in range(layers):
        x = op.relu(op.convolution(x, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
    still = op.multiply(op.reduce_max(_flat(x), _whole([0]), True), _real([0.0]))
    return model(parameters, reshape_do_2d=op.constant(table), masks=op.add(op.constant(masks), still))


def rows(count: int, seed: int, *, classes: int = 90, side: int = 33) -> tuple[NDArray[np.float32], ...]:
    """A table of `count` rows with scores in no order and boxes that may leave the image, and their masks: a
    smooth random field in the channel of the row's label, NaN in all others."""
    rng = np.random.default_rng(seed)
    table = np.zeros((count, 7), np.float32)
    table[:, 1] = rng.integers(1, classes + 1, count)
    table[:, 2] = rng.uniform(0.05, 0.99, count)
    corners = np.sort(rng.uniform(-0.15, 1.15, (count, 2, 2)), axis=1)
    table[:, 3:] = corners.reshape(count, 4)
    masks = np.full((count, classes, side, side), np.nan, np.float32)
    across = np.linspace(0, 1, side, dtype=np.float32)
    for row, label in enumerate(table[:, 1].astype(int)):
        phase = rng.uniform(0, 6, 4)
        wave = np.sin(7 * across[:, None] + phase[0]) * np.cos(5 * across[None] + phase[1])
        masks[row, label - 1] = 1 / (1 + np.exp(-6 * wave - rng.normal(0, 0.3, (side, side))))
    return table, masks


def named(node: Any, name: str) -> Any:
    node.output(0).get_tensor().set_names({name})
    return node


def _flat(node: Any) -> Any:
    return op.reshape(node, _whole([-1]), False)


def _whole(value: Any) -> Any:
    return op.constant(np.array(value, np.int64))


def _real(value: Any) -> Any:
    return op.constant(np.array(value, np.float32))
