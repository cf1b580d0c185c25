"""Masks within their tight boxes, straight from their strings: all that drawing them needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .native import RLEBatch

__all__ = ["Crop", "crops"]


class Crop(NamedTuple):
    """A mask within its tight box.

    x, y  the box's top left corner, pixels of the image
    mask  uint8 [h, w], 1 where the object is; [0, 0] where there is nothing
    """

    x: int
    y: int
    mask: NDArray[np.uint8]


def crops(rles: RLEBatch) -> Iterator[Crop]:
    """The crops of all masks, one in memory at a time: work and memory go with their boxes, not the image."""
    height = rles.image_size[0]
    boxes, offsets = rles.bboxes.astype(np.int64).tolist(), rles.offsets.tolist()
    for (x, y, wide, high), first, last in zip(boxes, offsets[:-1], offsets[1:], strict=True):
        yield Crop(x, y, _crop(_runs(rles.counts[first:last]), height, x, y, wide, high))


def _crop(runs: NDArray[np.int64], height: int, x: int, y: int, wide: int, high: int) -> NDArray[np.uint8]:
    edges = np.cumsum(runs)
    begin, end = edges[:-1:2], edges[1::2]  # of the runs of ones, counted down column after column
    before: int | NDArray[np.int64] = x * high  # pixels that are not in the crop
    if high < height:  # no run goes on into the next column: the box would be as high as the image
        before = before + begin // height * (height - high) + y
    some = end > begin
    changes = np.zeros(wide * high + 1, np.int8)
    begin, end = (begin - before)[some], (end - before)[some]
    changes[begin] += 1
    changes[end] -= 1  # maybe where the next run begins
    columns = np.cumsum(changes[:-1], dtype=np.int8).view(np.uint8).reshape(wide, high)
    return np.ascontiguousarray(columns.T)


def _runs(string: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The run lengths in a valid compressed string: `maskrle.reference` says how they are written."""
    groups = string.astype(np.int64) - 48
    last = np.flatnonzero(groups < 32)
    first = np.concatenate(([0], last[:-1] + 1))
    length = last - first + 1
    place = 5 * (np.arange(len(groups)) - np.repeat(first, length))
    runs = np.add.reduceat((groups & 31) << place, first) if len(groups) else groups
    runs -= ((groups[last] & 16) >> 4) << (5 * length)  # a sign
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
