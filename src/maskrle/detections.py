"""One inference's outputs -> detections of each image, with every row that is kept checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .binding import Binding, fits_shape
from .contracts import Rows

__all__ = ["Detections", "read_detections"]


@dataclass(frozen=True)
class Detections:
    """Detections of one image that passed the score threshold, in the network's units.

    labels     int64 [n]
    scores     float32 [n]
    boxes      float32 [n, 4], x_min, y_min, x_max, y_max as the contract has them
    masks      [n, C, h, w] with `channels`, or [n, h, w]; a view of the network's output where possible
    channels   int64 [n], 0-based channel of each mask, or None
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    masks: NDArray[Any]
    channels: NDArray[np.int64] | None


def read_detections(
    binding: Binding,
    outputs: Mapping[str, NDArray[Any]],
    fed: tuple[int, ...],
    images: int,
    score_threshold: float,
) -> list[Detections]:
    """Read one inference: of each image, the rows scored `score_threshold` or more.

    The masks are not copied: kept rows that come first are a slice; otherwise only the plane of each kept
    row's own channel is gathered. Labels and boxes of other rows are never looked at.

    Args:
        fed: (batch, height, width) of what was put into the network.
        images: how many of the batch are pictures; what is said about the rest is not looked at.

    Raises:
        ValueError: outputs of other shapes than the contract's, a score that is not finite, a kept row whose
            label is not a whole number or has no channel; the contract reads something else than `Rows`.
    """
    try:
        _check_outputs(binding, outputs)
        rows = binding.contract.read(outputs, fed[0])
        _check_rows(rows, images)
        return [_kept(binding, of_image, fed[1:], score_threshold) for of_image in rows[:images]]
    except ValueError as error:
        raise ValueError(f"contract {binding.contract.name}: {error}") from None


def _check_outputs(binding: Binding, outputs: Mapping[str, NDArray[Any]]) -> None:
    contract = binding.contract
    for name, expected in contract.outputs.items():
        if binding.selected and contract.channels is not None and name == contract.channels.masks:
            continue  # without its channels it no longer has the contract's shape
        if not fits_shape(expected.shape, outputs[name].shape):
            got = list(outputs[name].shape)
            raise ValueError(f"expected {name} {expected.shape} ({expected.holds}), got shape {got}")


def _check_rows(rows: Any, images: int) -> None:
    if not isinstance(rows, list) or len(rows) < images or not all(isinstance(one, Rows) for one in rows):
        got = [type(one).__name__ for one in rows] if isinstance(rows, list) else type(rows).__name__
        raise ValueError(f"read: expected a list of maskrle.Rows, one for each image ({images}), got {got}")
    for of_image in rows:
        for name, column in of_image._asdict().items():
            if not isinstance(column, np.ndarray):
                raise ValueError(f"read: {name}: expected an array, got {type(column).__name__}")


def _kept(binding: Binding, rows: Rows, size: tuple[int, ...], score_threshold: float) -> Detections:
    count = rows.scores.size
    ranks = (3, 4) if binding.contract.channels is not None else (3,)
    if (
        not rows.labels.shape == rows.scores.shape == (count,)
        or rows.boxes.shape != (count, 4)
        or rows.masks.ndim not in ranks
        or len(rows.masks) < count
    ):
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in rows._asdict().items())
        sides = " or ".join("[h, w]" if rank == 3 else "[C, h, w]" for rank in ranks)
        raise ValueError(f"expected as many labels, boxes of 4 and masks {sides} as scores, got {shapes}")
    if _may_be_pasted(binding, rows.masks) and rows.masks.shape[-2:] == size:
        raise ValueError(
            f"masks of {size[0]}x{size[1]} are as large as the network's input: this network has pasted them "
            "into their boxes already; it must be exported without that step"
        )
    scores = np.asarray(rows.scores, np.float32)
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"row {row} has score {scores[row]}")
    kept = np.flatnonzero(scores >= score_threshold)
    labels = _labels(rows.labels[kept], kept)
    boxes = np.ascontiguousarray(rows.boxes[kept], np.float32)
    masks, channels = rows.masks, None
    classes = masks.shape[1] if masks.ndim == 4 else binding.classes
    if binding.contract.channels is not None and classes is not None:
        channels = _channels(labels, binding.contract.channels.first_label, classes, kept)
    if masks.ndim == 3:  # the network has picked them; a label without a channel is an error all the same
        channels = None
    if len(kept) == 0 or kept[-1] == len(kept) - 1:
        masks = masks[: len(kept)]
    elif channels is None:
        masks = masks[kept]
    else:
        masks, channels = masks[kept, channels], None
    return Detections(labels, scores[kept], boxes, masks, channels)


def _may_be_pasted(binding: Binding, masks: NDArray[Any]) -> bool:
    """Whether masks as large as the network's input can be masks of all of it. Those with a channel for each
    class are not, nor those of a fixed size behind a dynamic input, where a picture may be as small."""
    by_chance = None in binding.image.size and None not in binding.mask_size
    return masks.ndim == 3 and not binding.selected and not by_chance


def _labels(labels: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[np.int64]:
    # Compared as floats first: casting a NaN or an infinity to an integer is undefined.
    numbers = labels.astype(np.float64)  # 2**53 is an infinity in half precision
    whole = np.isfinite(numbers) & (numbers == np.trunc(numbers)) & (np.abs(numbers) < 2**53)
    if not whole.all():
        at = int(np.argmin(whole))
        raise ValueError(f"row {rows[at]} has label {labels[at]}, expected a whole number")
    return labels.astype(np.int64)


def _channels(labels: NDArray[np.int64], first: int, count: int, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    channels = labels - first
    inside = (channels >= 0) & (channels < count)
    if not inside.all():
        at = int(np.argmin(inside))
        last = first + count - 1
        raise ValueError(f"row {rows[at]} has label {labels[at]}, masks has channels for {first} to {last}")
    return channels
