"""Networks of contract omz-tf with the same COCO-like answer to every picture, after any amount of work."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from maskrle.benchmark.workload import coco_like
from maskrle.preprocess import place

_CHANNELS = 24


def network(
    size: tuple[int, int],
    detections: int,
    convolutions: int = 0,
    picture: tuple[int, int] | None = None,
) -> ov.Model:
    """A network of input `size` (height, width) whose masks are computed anew in each inference.

    The detections lie in the part of the input that a picture of size `picture` fills: in all, by default.
    The ballast are convolutions of 3 x 3, the first of stride 4; with none, the picture's mean is all.
    """
    work = coco_like(detections, size if picture is None else place(picture, size, "fit").resized)
    table = np.zeros((detections, 7), np.float32)
    table[:, 1], table[:, 2] = work.channels + 1, 0.9
    table[:, 3:] = work.boxes / np.array([size[1], size[0]] * 2, np.float32)
    image = op.parameter([1, 3, *size], np.float32, name="image_tensor")
    rng = np.random.default_rng(0)
    x: Any = image
    for layer in range(convolutions):
        channels, stride = (_CHANNELS, 1) if layer else (3, 4)
        weights = op.constant(rng.normal(0, 0.05, (_CHANNELS, channels, 3, 3)).astype(np.float32))
        x = op.relu(op.convolution(x, weights, [stride] * 2, [1, 1], [1, 1], [1, 1]))
    level = op.reduce_mean(x, op.constant(np.array([0, 1, 2, 3])), False)
    # The answers depend on what came before, so that nothing is left out.
    scale = op.add(op.multiply(level, op.constant(np.float32(0))), op.constant(np.float32(1)))
    outputs = {
        "reshape_do_2d": op.multiply(op.constant(table), scale),
        "masks": op.multiply(op.constant(work.masks), scale),
    }
    image.output(0).get_tensor().set_names({"image_tensor"})
    for name, node in outputs.items():
        node.output(0).get_tensor().set_names({name})
    return ov.Model([op.result(node) for node in outputs.values()], [image], "ballast")
