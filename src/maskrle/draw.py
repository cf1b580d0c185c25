"""Overlays: translucent masks with outlines, and for each a label that stays inside the picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Figure", "color_of", "overlay"]

Color: TypeAlias = tuple[int, int, int]
Pixels: TypeAlias = NDArray[np.uint8]

# RGB. Labels that follow each other get hues far apart.
_PALETTE = (
    0x2F7DF6, 0xFF8A1F, 0x2EC45E, 0xF0433A, 0xA45CF5, 0xF7D021, 0x12BCD8, 0xF04FA0, 0x9BD21B, 0x5B62EA,
    0xC98A2B, 0x1FB89B, 0xFF6F61, 0x7A3FF2, 0x5E9E17, 0x3FA9F5, 0xD94FEA, 0xB8A312, 0x0E9F6E, 0xFF8FA3,
)  # fmt: skip
_OPACITY = 0.45
_LABELS = 0.3
"""The largest share of a picture that labels may cover: they must not hide what a small crowded one shows."""


class Figure(NamedTuple):
    """One object of an overlay.

    label      class label; decides the colour
    captions   what to write on it, the best first; a shorter one is taken where there is no room
    mask       uint8 [H, W], not zero where the object is
    """

    label: int
    captions: tuple[str, ...]
    mask: Pixels


class _Rect(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def shared(self, other: _Rect) -> int:
        """Number of pixels in both."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0) * max(down, 0)


def color_of(label: int) -> Color:
    """The colour of a class, BGR: the same in every picture."""
    rgb = _PALETTE[(label - 1) % len(_PALETTE)]
    return rgb & 255, rgb >> 8 & 255, rgb >> 16


def overlay(image: Pixels, figures: Iterable[Figure]) -> Pixels:
    """A copy of the image, uint8 [H, W, 3] BGR, with the figures over it, the last in front.

    Lines and letters grow with the picture. Labels lie inside the picture and off each other where there is
    room; those that a small picture has no room for are left out.
    """
    canvas = image.copy(order="C")
    side = float(np.sqrt(canvas.shape[0] * canvas.shape[1]))
    thickness = max(round(0.0032 * side), 1)
    text_height = max(round(13 * (side / 554) ** 0.8), 9)
    labels: list[tuple[_Rect, Pixels, Color]] = []
    free = _LABELS * side * side
    for figure in figures:
        color = color_of(figure.label)
        extent = _paint(canvas, figure.mask, color, thickness)
        if extent is not None:
            placed = [rect for rect, _, _ in labels]
            label = _place(figure.captions, extent, placed, canvas.shape, text_height)
            if label is not None and label[0].area <= free:
                free -= label[0].area
                labels.append((*label, color))
    for rect, letters, color in labels:  # after all masks, so that none hides a label
        _write(canvas, rect, letters, color)
    return canvas


def _paint(canvas: Pixels, mask: Pixels, color: Color, thickness: int) -> _Rect | None:
    """Fill and outline one mask; returns its extent, None where it is empty."""
    import cv2

    extent = _Rect(*cv2.boundingRect(mask))
    if extent.width == 0:
        return None
    x, y, width, height = extent
    region, part = canvas[y : y + height, x : x + width], mask[y : y + height, x : x + width]
    tinted = cv2.addWeighted(region, 1 - _OPACITY, np.full_like(region, color), _OPACITY, 0)
    np.copyto(region, tinted, where=part[..., None] != 0)
    contours, _ = cv2.findContours(part, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(canvas, contours, -1, color, thickness, cv2.LINE_AA, offset=(x, y))
    return extent


def _place(
    captions: tuple[str, ...], extent: _Rect, placed: list[_Rect], shape: tuple[int, ...], text_height: int
) -> tuple[_Rect, Pixels] | None:
    """Where a label goes, and its letters: the first spot free of other labels, or what hides least."""
    height, width = shape[:2]
    best: tuple[int, _Rect, Pixels] | None = None
    for caption in captions:
        letters = _letters(caption, text_height)
        pad = max(text_height // 4, 1)
        rect_width, rect_height = letters.shape[1] + 2 * pad, letters.shape[0] + pad
        if rect_width > width or rect_height * 3 > height:
            continue
        for x, y in _spots(extent, rect_width, rect_height):
            x, y = min(max(x, 0), width - rect_width), min(max(y, 0), height - rect_height)
            rect = _Rect(x, y, rect_width, rect_height)
            hidden = sum(rect.shared(other) for other in placed)
            if hidden == 0:
                return rect, letters
            if best is None or hidden < best[0]:
                best = hidden, rect, letters
    return best and best[1:]


def _spots(extent: _Rect, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Top left corners to try, the best first: above, below, inside the object, ever further around it."""
    x, y, right, bottom = extent.x, extent.y, extent.x + extent.width, extent.y + extent.height
    yield x, y - height
    yield right - width, y - height
    yield x, bottom
    yield right - width, bottom
    middle = x + (extent.width - width) // 2
    for step in range(max(extent.height // height, 1)):
        yield middle, y + step * height
    for step in range(1, 6):
        for left in (x, middle, right - width):
            yield left, y - (step + 1) * height
            yield left, bottom + step * height
        yield x - step * width // 2, y - height
        yield right + (step - 1) * width // 2, y - height


@lru_cache(maxsize=512)
def _letters(text: str, height: int) -> Pixels:
    """The coverage of a line of text, uint8 [height, width].

    Drawn large and scaled down: OpenCV's letters are poor at small sizes, and their metrics differ between
    OpenCV 4 and 5. The line's height is taken from letters that reach its top and bottom.
    """
    import cv2

    font, scale, stroke, room = cv2.FONT_HERSHEY_SIMPLEX, 2.0, 4, 40

    def drawn(line: str) -> Any:
        (width, _), _ = cv2.getTextSize(line, font, scale, stroke)
        plate = np.zeros((160, width + 2 * room), np.uint8)
        return cv2.putText(plate, line, (room, 100), font, scale, 255, stroke, cv2.LINE_AA)

    _, top, _, tall = cv2.boundingRect(drawn("Adgjl"))
    line = drawn(text)
    left, _, wide, _ = cv2.boundingRect(line)
    line = line[top : top + tall, left : left + max(wide, 1)]
    size = max(round(line.shape[1] * height / tall), 1), height
    shrinks = height <= tall
    scaled: Any = cv2.resize(line, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, np.uint8)


def _write(canvas: Pixels, rect: _Rect, letters: Pixels, color: Color) -> None:
    """A rectangle in the colour of the class, and on it the text, black or white, whichever reads better."""
    plate = canvas[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    plate[:] = color
    blue, green, red = color
    ink = 0 if 0.114 * blue + 0.587 * green + 0.299 * red > 135 else 255
    top = (rect.height - letters.shape[0]) // 2
    left = (rect.width - letters.shape[1]) // 2
    box = plate[top : top + letters.shape[0], left : left + letters.shape[1]]
    cover = letters[..., None].astype(np.float32) / 255
    box[:] = np.rint(box * (1 - cover) + ink * cover).astype(np.uint8)
