"""Names of classes: COCO's, a model's own, and files of names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import openvino

__all__ = ["COCO_80", "COCO_90", "Labels", "label_names", "model_labels"]

Labels: TypeAlias = "str | os.PathLike[str] | Sequence[str] | Mapping[int, str]"

_COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}

COCO_80: Mapping[int, str] = dict(enumerate(_COCO, start=1))
"""COCO's classes numbered without gaps, 1 to 80."""

COCO_90: Mapping[int, str] = dict(zip((id for id in range(1, 91) if id not in _GAPS), _COCO, strict=True))
"""COCO's classes by category id: 80 of the numbers from 1 to 90. In order, `COCO_80` has the same names."""


def label_names(labels: Labels) -> dict[int, str]:
    """Class names by label.

    Args:
        labels: a mapping from labels to names, names in order (the first is label 1), or the path of a file:
            UTF-8 text whose line k names label k. An empty line leaves a label unnamed.

    Returns:
        Label -> name.

    Raises:
        TypeError: something else, or a name that is no str, or a label that is no int.
        ValueError: a file that is no UTF-8 text, or no names at all.
        OSError: the file cannot be read.
    """
    if isinstance(labels, (str, os.PathLike)):
        return _read(Path(labels))
    if isinstance(labels, Mapping):
        names = dict(labels)
    elif isinstance(labels, Sequence) and not isinstance(labels, (bytes, bytearray)):
        names = dict(enumerate(labels, start=1))
    else:
        got = type(labels).__name__
        raise TypeError(f"labels: expected a path, a sequence of names or a mapping from labels, got {got}")
    for label, name in names.items():
        if not isinstance(label, int) or isinstance(label, bool) or not isinstance(name, str):
            raise TypeError(f"labels: expected int labels and str names, got {label!r}: {name!r}")
    if not names:
        raise ValueError("labels: expected at least one name, got none")
    return names


def model_labels(model: openvino.Model) -> dict[int, str] | None:
    """Names that a model brings along as OpenVINO's Model API writes them: in order from label 1 on, set
    apart by spaces, with underscores for spaces within a name. None where it has none, or something else."""
    path = ["model_info", "labels"]
    try:
        names = model.get_rt_info(path).astype(str).split() if model.has_rt_info(path) else []
    except RuntimeError:  # where "model_info" is no section
        return None
    return {label: name.replace("_", " ") for label, name in enumerate(names, start=1)} or None


def _read(path: Path) -> dict[int, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin files with a byte order mark
    except UnicodeDecodeError as error:
        raise ValueError(f"labels: {path} is not UTF-8 text: byte {error.start} is not valid") from None
    lines = (line.strip() for line in text.split("\n"))
    names = {number: line for number, line in enumerate(lines, start=1) if line}
    if not names:
        raise ValueError(f"labels: {path} has no names in it")
    return names
