"""The embedded network: finds the eight drawn shapes, with the contract of a converted Mask R-CNN."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import CLASSES
from .weights import load_weights

if TYPE_CHECKING:
    import openvino

__all__ = ["network"]

MIN_SIDE = 32


def network(height: int | None = 800, width: int | None = 1365) -> openvino.Model:
    """Build the network that finds drawn shapes: the eight `CLASSES` of `scene`, no objects of photographs.

    Inputs: `image_tensor` float32 [1, 3, height, width], BGR, 0 to 255, zeros right of and below the picture;
    `image_info` float32 [1, 3] = (height, width, 1), which belongs to the contract and changes nothing.

    Outputs, both float32, for the N shapes found (0 to 100, best score first, every score over 0.15):
    `reshape_do_2d` [N, 7] = image_id (0), label (1 to 8), score, x_min, y_min, x_max, y_max, the box as
    shares of the input;
    `masks` [N, 90, 33, 33], the soft mask in channel label - 1 and zeros in every other channel.

    The class names are in the model's runtime information, under model_info, labels.

    The mask is drawn to be pasted by the `omz` convention, which rounds boxes outwards. Compile the model
    with `INFERENCE_PRECISION_HINT` = f32: a CPU with bfloat16 otherwise uses it, and boxes lose a pixel.

    Args:
        height: height of the input in pixels, at least 32; None leaves it dynamic.
        width: width likewise.

    Raises:
        TypeError: a side is neither an integer nor None.
        ValueError: a side is below 32 pixels.
        FileNotFoundError: the weights are not installed.
    """
    height, width = _side("height", height), _side("width", width)
    weights = load_weights()
    from .graph import build  # OpenVINO takes half a second to import

    model = build(weights, height, width)
    model.set_rt_info(" ".join(CLASSES), ["model_info", "labels"])  # where OpenVINO's Model API has names
    return model


def _side(name: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer or None, got {value!r}")
    try:
        side = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer or None, got {value!r}") from None
    if side < MIN_SIDE:
        raise ValueError(f"{name} must be at least {MIN_SIDE} pixels, got {side}")
    return side
