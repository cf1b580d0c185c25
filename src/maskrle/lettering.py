"""Labels: letters on plates, and a place near the object, inside the picture and off all other labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Plate", "Rect", "place"]

Pixels: TypeAlias = NDArray[np.uint8]

_COVERED = 0.3
"""The largest share of a picture that labels may cover: they must not hide what a small crowded one shows."""
_LONGEST = 40
"""Characters of a label; a longer one is cut."""


class Rect(NamedTuple):
    """Whole pixels; the corner is the top left one."""

    x: int
    y: int
    width: int
    height: int


class Plate(NamedTuple):
    """A label where it goes.

    rect     inside the picture
    ground   uint8 [h, w], how much of each pixel the plate covers: its corners are round
    letters  uint8 [h, w], how much the letters do
    """

    rect: Rect
    ground: Pixels
    letters: Pixels


def place(
    captions: Sequence[str], top: int, extent: Rect, image_size: tuple[int, int], taken: Sequence[Rect]
) -> Plate | None:
    """The first caption that finds a place, there; None where none does.

    A label goes where its object is highest: above that point, or as near to it as there is a place free of
    the labels before. The order of calls decides, nothing else does.

    Args:
        captions: the best first.
        top: column of the object's highest point.
        extent: the object's box, inside the picture.
        image_size: (height, width).
        taken: where labels are already.
    """
    height, width = image_size
    side = float(np.sqrt(height * width))
    size = max(round(13 * (side / 554) ** 0.8), 9)
    pad = max(size // 3, 2)
    others = np.array(taken, np.int64).reshape(-1, 4)
    free = _COVERED * height * width - (others[:, 2] * others[:, 3]).sum()
    for caption in captions:
        letters = _letters(caption if len(caption) <= _LONGEST else f"{caption[: _LONGEST - 3]}...", size)
        wide, high = letters.shape[1] + 2 * pad, letters.shape[0] + pad
        if wide > width or 3 * high > height or wide * high > free:
            continue
        spots = _spots(top, extent, wide, high)
        spots[:, 0] = np.clip(spots[:, 0], 0, width - wide)
        spots[:, 1] = np.clip(spots[:, 1], 0, height - high)
        clear = ~_overlaps(spots, wide, high, others).any(axis=1)
        if clear.any():
            x, y = spots[np.argmax(clear)].tolist()
            return Plate(Rect(x, y, wide, high), _ground(wide, high, pad), np.pad(letters, _margins(pad)))
    return None


def _margins(pad: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (pad // 2, pad - pad // 2), (pad, pad)


def _overlaps(spots: NDArray[np.int64], wide: int, high: int, others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which spots would touch which labels: bool [spots, labels]. A pixel stays free between them."""
    x, y = spots[:, :1], spots[:, 1:]
    left, up, width, height = others.T
    across = (x < left + width + 1) & (left < x + wide + 1)
    down = (y < up + height + 1) & (up < y + high + 1)
    return np.asarray(across & down, np.bool_)


def _spots(top: int, extent: Rect, wide: int, high: int) -> NDArray[np.int64]:
    """Top left corners to try, the best first: above the object's highest point, then ever further from it,
    around the object and in it."""
    x, y = top - wide // 2, extent.y - high
    below, middle = extent.y + extent.height, extent.x + (extent.width - wide) // 2
    first = [(x, y), (extent.x, y), (extent.x + extent.width - wide, y), (middle, below)]
    first += [(extent.x, below), (extent.x + extent.width - wide, below)]
    across = np.arange(-4, 5) * (wide // 2 + 1)
    down = np.arange(-6, min(extent.height // (high + 1), 40) + 7) * (high + 1)
    grid = np.stack(np.meshgrid(x + across, y + down), axis=-1).reshape(-1, 2)
    # A step aside is as long as the label is wide: up or down is nearer.
    far = np.hypot(grid[:, 0] - x, 2.0 * (grid[:, 1] - y))
    return np.concatenate([np.array(first, np.int64), grid[np.argsort(far, kind="stable")]])


@lru_cache(maxsize=256)
def _ground(wide: int, high: int, pad: int) -> Pixels:
    """A plate with round corners: how much of each pixel it covers."""
    radius = min(pad, high // 2, wide // 2)
    x, y = ((np.arange(side) + 0.5) for side in (wide, high))
    across = np.maximum(np.maximum(radius - x, x - (wide - radius)), 0)
    down = np.maximum(np.maximum(radius - y, y - (high - radius)), 0)
    outside = np.hypot(across[None], down[:, None]) - radius
    return np.asarray(np.rint(255 * np.clip(0.5 - outside, 0, 1)), np.uint8)


@lru_cache(maxsize=512)
def _letters(text: str, height: int) -> Pixels:
    """The coverage of a line of text, uint8 [height, width].

    Drawn large and scaled down: OpenCV's letters are poor at small sizes, and their metrics differ between
    OpenCV 4 and 5. The line's height is taken from letters that reach its top and bottom.
    """
    import cv2

    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(2.0, height / 25)
    stroke, room = round(2 * scale), round(20 * scale)

    def drawn(line: str) -> Any:
        (width, _), _ = cv2.getTextSize(line, font, scale, stroke)
        plate = np.zeros((4 * room, width + 2 * room), np.uint8)
        return cv2.putText(plate, line, (room, round(2.5 * room)), font, scale, 255, stroke, cv2.LINE_AA)

    _, top, _, tall = cv2.boundingRect(drawn("Adgjl"))
    line = drawn(text)
    left, _, wide, _ = cv2.boundingRect(line)
    line = line[top : top + tall, left : left + max(wide, 1)]
    size = max(round(line.shape[1] * height / tall), 1), height
    scaled: Any = cv2.resize(line, size, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.uint8)
