"""Output contracts: which tensors a family of networks has, and what the numbers in them mean.

A contract is one `Contract` in `CONTRACTS`: what to look for in a model, and a function that turns the
outputs of one inference into rows. `binding.py` finds a contract's tensors in a model; `detections.py` checks
and picks rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .labels import COCO_80, COCO_90
from .reference import PASTES

__all__ = ["CONTRACTS", "Channels", "Contract", "Output", "Rows"]

Outputs: TypeAlias = Mapping[str, NDArray[Any]]


class Rows(NamedTuple):
    """What a network says about one image, a row per candidate: views of outputs, nothing checked yet.

    labels   [n], integers or floats
    scores   [n]
    boxes    [n, 4], x_min, y_min, x_max, y_max
    masks    [n or more, C, h, w], or [n or more, h, w] where each row has its one mask
    """

    labels: NDArray[Any]
    scores: NDArray[Any]
    boxes: NDArray[Any]
    masks: NDArray[Any]


class Output(NamedTuple):
    """What an output must look like.

    shape    as "[N, 7]" or "[N, 1, h, w] or [N, h, w]": numbers are exact, letters any length; h and w are
             the sides of masks, C the number of their channels where they have one for each class
    holds    what is in it, in words
    whole    whether integers will do; otherwise float32 or float16 is needed
    """

    shape: str
    holds: str
    whole: bool = False


class Channels(NamedTuple):
    """Masks that have a channel for each class.

    first_label   the label that channel 0 belongs to
    masks         the output with the masks
    labels        the output with the labels of its rows, [..., N]
    column        or [..., N, columns], and this is the column
    """

    first_label: int
    masks: str
    labels: str
    column: int | None = None


_SIDES = r"\[(?:\w+(?:, ?\w+)*)?\]"
_SHAPES = rf"{_SIDES}(?: or {_SIDES})*"
_WORDS = {"color": ("bgr", "rgb"), "info_of": ("input", "picture"), "paste": PASTES}
_TYPES: Mapping[str, tuple[Any, str]] = {
    "name": (str, "a str"),
    "outputs": (Mapping, "a mapping from names to maskrle.Output"),
    "read": (Callable, "a function"),
    "images": (tuple, "a tuple of names"),
    "image_info": (str | None, "a name or None"),
    "white": (Real, "a number"),
    "names": (Mapping | None, "a mapping from labels to names or None"),
}


@dataclass(frozen=True, eq=False)
class Contract:
    """What one family of networks takes and puts out.

    name         what the contract is called
    networks     which networks have it, in words
    outputs      output name -> what it looks like; a model's other outputs are ignored
    read         outputs by name, number of images in the batch -> `Rows` of each image
    images       names of the input with the picture; a model's only input of four dimensions will do as well
    image_info   input with (height, width, 1) for each image, float [B, 3]; a model may lack it
    info_of      what these are the sides of: the whole "input", or the resized "picture" in it
    color        order of the colour channels: "bgr" or "rgb"
    white        value of a white pixel in a float input; a uint8 input takes 0 to 255
    normalised   boxes are fractions of the network's input, otherwise pixels of it
    batches      rows say which image of a batch they belong to; otherwise one image is fed at a time
    channels     where the masks have a channel for each class, which one is whose; otherwise None
    names        label -> class name, for models that bring no names and have masks of as many classes
    paste        the paste convention that its networks were evaluated with

    Raises:
        TypeError: a field of another type.
        ValueError: color, info_of or paste is another word, white is not above 0, an output has another
            shape than `Output` describes, channels are of other outputs.
    """

    name: str
    networks: str
    outputs: Mapping[str, Output]
    read: Callable[[Outputs, int], list[Rows]] = field(repr=False)
    images: tuple[str, ...] = ()
    image_info: str | None = None
    info_of: str = "input"
    color: str = "bgr"
    white: float = 255
    normalised: bool = False
    batches: bool = False
    channels: Channels | None = None
    names: Mapping[int, str] | None = field(default=None, repr=False)
    paste: str = "omz"

    def __post_init__(self) -> None:
        for name, (kind, words) in _TYPES.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name}: expected {words}, got {value!r}")
        for name, allowed in _WORDS.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: expected {' or '.join(allowed)}, got {getattr(self, name)!r}")
        if not all(isinstance(name, str) for name in self.images):
            raise TypeError(f"images: expected names of inputs, got {self.images!r}")
        if not 0 < self.white < inf:
            raise ValueError(f"white: expected a number above 0, got {self.white!r}")
        for name, output in self.outputs.items():
            if not isinstance(name, str) or not isinstance(output, Output):
                raise TypeError(f"outputs: expected a maskrle.Output for each name, got {name!r}: {output!r}")
            if not isinstance(output.shape, str) or not re.fullmatch(_SHAPES, output.shape):
                shape = output.shape
                raise ValueError(
                    f"outputs: {name}: expected a shape as '[N, 7]' or '[N] or []', got {shape!r}"
                )
        self._check_channels()

    def _check_channels(self) -> None:
        if self.channels is None:
            return
        if not isinstance(self.channels, Channels):
            raise TypeError(f"channels: expected a maskrle.Channels or None, got {self.channels!r}")
        if not {self.channels.masks, self.channels.labels} <= set(self.outputs):
            raise ValueError(f"channels: expected names out of {list(self.outputs)}, got {self.channels}")


def _span(chosen: NDArray[np.bool_]) -> slice | NDArray[np.intp]:
    """Indices of the chosen rows; a slice where they lie side by side, as that copies nothing."""
    rows = np.flatnonzero(chosen)
    if len(rows) == 0:
        return slice(0)
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows


def _read_omz_tf(outputs: Outputs, batch: int) -> list[Rows]:
    table, masks = outputs["reshape_do_2d"], outputs["masks"]
    ends = np.flatnonzero(table[:, 0] == -1)
    table = table[: ends[0]] if len(ends) else table
    foreign = ~np.isin(table[:, 0], np.arange(batch))
    if foreign.any():
        row = int(np.argmax(foreign))
        expected = f"0 to {batch - 1}" if batch > 1 else "0"
        raise ValueError(f"row {row} has image_id {table[row, 0]}, expected {expected} (or -1, the end)")
    if len(masks) < len(table):
        raise ValueError(f"reshape_do_2d has {len(table)} rows, but masks has {len(masks)}")
    spans = [_span(table[:, 0] == image) for image in range(batch)]
    return [Rows(table[at, 1], table[at, 2], table[at, 3:7], masks[at]) for at in spans]


OMZ_TF = Contract(
    name="omz-tf",
    networks="TensorFlow Object Detection API, as Open Model Zoo converts it",
    outputs={
        "reshape_do_2d": Output("[N, 7]", "image_id, label, confidence, x_min, y_min, x_max, y_max"),
        "masks": Output("[N, C, h, w]", "class probabilities, channel = label - 1"),
    },
    read=_read_omz_tf,
    images=("image_tensor",),
    image_info="image_info",
    normalised=True,
    batches=True,
    channels=Channels(first_label=1, masks="masks", labels="reshape_do_2d", column=1),
    names=COCO_90,
)


def _read_tf_od(outputs: Outputs, batch: int) -> list[Rows]:
    numbers = outputs["num_detections"].reshape(-1)
    labels, scores, boxes, masks = (
        outputs[f"detection_{name}"] for name in ("classes", "scores", "boxes", "masks")
    )
    if not all(len(output) == batch for output in (numbers, labels, scores, boxes, masks)):
        shapes = ", ".join(f"{name} {list(output.shape)}" for name, output in outputs.items())
        raise ValueError(f"expected outputs for {batch} images, got shapes {shapes}")
    rows = []
    for image in range(batch):
        most = min(len(output[image]) for output in (labels, scores, boxes, masks))
        if not 0 <= numbers[image] <= most:  # also a NaN
            raise ValueError(f"num_detections is {numbers[image]}, expected 0 to {most}")
        at = slice(int(numbers[image]))
        corners = boxes[image, at][:, [1, 0, 3, 2]]
        rows.append(Rows(labels[image, at], scores[image, at], corners, masks[image, at]))
    return rows


TF_OD = Contract(
    name="tf-od",
    networks="TensorFlow Object Detection API, read from a frozen graph or SavedModel",
    outputs={
        "num_detections": Output("[B] or []", "number of rows that count", whole=True),
        "detection_boxes": Output("[B, N, 4]", "y_min, x_min, y_max, x_max"),
        "detection_scores": Output("[B, N]", "confidence"),
        "detection_classes": Output("[B, N]", "label", whole=True),
        "detection_masks": Output("[B, N, h, w] or [B, N, C, h, w]", "probabilities, channel = label - 1"),
    },
    read=_read_tf_od,
    images=("image_tensor", "input_tensor"),
    color="rgb",
    normalised=True,
    batches=True,
    channels=Channels(first_label=1, masks="detection_masks", labels="detection_classes"),
    names=COCO_90,
    paste="tf",
)


def _read_omz_instance(outputs: Outputs, batch: int) -> list[Rows]:
    labels, boxes, masks = (outputs[name] for name in ("labels", "boxes", "masks"))
    # Rows without a detection are zero. Not `> 0`: a NaN stays, to be named.
    at = _span(~(boxes[:, :4].sum(axis=1) <= 0))
    # Added as an array, for a type that holds the sum: 255 + 1 of a uint8 is 0.
    return [Rows(labels[at] + np.ones(1, np.int64), boxes[at, 4], boxes[at, :4], masks[at])]


OMZ_INSTANCE = Contract(
    name="omz-instance",
    networks="instance-segmentation-security-*, -person-0007 and others of Open Model Zoo",
    outputs={
        "labels": Output("[N]", "label - 1", whole=True),
        "boxes": Output("[N, 5]", "x_min, y_min, x_max, y_max, confidence"),
        "masks": Output("[N, h, w]", "probabilities"),
    },
    read=_read_omz_instance,
    images=("image",),
    names=COCO_80,
)


def _read_segmentoly(outputs: Outputs, batch: int) -> list[Rows]:
    at = _span(~(outputs["classes"] <= 0))  # class 0 is background, no detection; a NaN stays
    return [Rows(*(outputs[name][at] for name in ("classes", "scores", "boxes", "raw_masks")))]


SEGMENTOLY = Contract(
    name="segmentoly",
    networks="older instance-segmentation-security-* of Open Model Zoo (0010, 0033, 0049)",
    outputs={
        "classes": Output("[N]", "label", whole=True),
        "scores": Output("[N]", "confidence"),
        "boxes": Output("[N, 4]", "x_min, y_min, x_max, y_max"),
        "raw_masks": Output("[N, C, h, w]", "class probabilities, channel = label"),
    },
    read=_read_segmentoly,
    images=("im_data",),
    image_info="im_info",
    info_of="picture",
    channels=Channels(first_label=0, masks="raw_masks", labels="classes"),
    names=COCO_80,
)


def _read_torchvision(outputs: Outputs, batch: int) -> list[Rows]:
    masks = outputs["masks"]
    masks = masks[:, 0] if masks.ndim == 4 else masks
    return [Rows(outputs["labels"], outputs["scores"], outputs["boxes"], masks)]


TORCHVISION = Contract(
    name="torchvision",
    networks="exports of torchvision's Mask R-CNN, without its pasting of masks",
    outputs={
        "boxes": Output("[N, 4]", "x_min, y_min, x_max, y_max"),
        "labels": Output("[N]", "label", whole=True),
        "scores": Output("[N]", "confidence"),
        "masks": Output("[N, 1, h, w] or [N, h, w]", "probabilities"),
    },
    read=_read_torchvision,
    images=("image", "images", "input"),
    color="rgb",
    white=1,
)

CONTRACTS = (OMZ_TF, TF_OD, OMZ_INSTANCE, SEGMENTOLY, TORCHVISION)
