"""Overlays: translucent masks with outlines, and labels that stay inside the picture and off each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .lettering import Plate, Rect, place

__all__ = ["COLORS", "UNTRACKED", "Figure", "color_of", "overlay"]

Color: TypeAlias = tuple[int, int, int]
Pixels: TypeAlias = NDArray[np.uint8]

COLORS = ("class", "instance")
"""What a colour stands for."""

# RGB. Any four in a row differ clearly, also to the colour-blind: by how much, tests/test_draw.py says.
_PALETTE = (
    0x0A8FD1, 0xDDD81F, 0x39C3AE, 0xD21D53, 0xC369F4, 0x9EB92E, 0xF79DCB, 0xB4561A, 0x51F75C, 0xF85093,
    0x5855FC, 0x96A4F6, 0xFDA578, 0xD732BB, 0x31EEE8, 0x7C9217, 0xFE7B90, 0x8E3DE8, 0x5DCDFA, 0xBB9133,
)  # fmt: skip
UNTRACKED = (150, 150, 150)
"""The colour of an instance without a track, where colours stand for tracks; BGR."""
_OPACITY = 0.42
_RIM = 0.3
"""Brightness of the line around an outline, as a share of its colour's: shows it on anything."""


class Figure(NamedTuple):
    """One object of an overlay.

    color      BGR
    captions   what to write on it, the best first; a shorter one is taken where there is no room
    x, y       where its mask lies: the top left corner, pixels of the picture
    mask       uint8 [h, w], not zero where the object is
    """

    color: Color
    captions: tuple[str, ...]
    x: int
    y: int
    mask: Pixels


def color_of(number: int) -> Color:
    """The colour of a class label or of an instance counted from 1, BGR: the same in every picture."""
    rgb = _PALETTE[(number - 1) % len(_PALETTE)]
    return rgb & 255, rgb >> 8 & 255, rgb >> 16


def overlay(image: Pixels, figures: Iterable[Figure]) -> Pixels:
    """A copy of the image, uint8 [H, W, 3] BGR, with the figures over it, the last in front.

    Lines and letters grow with the picture. Labels lie inside the picture and off each other; one that there
    is no room for near its object is left out. Apart from the copy, time and memory go with the figures'
    masks and labels, not with the picture.
    """
    canvas = image.copy(order="C")
    side = float(np.sqrt(canvas.shape[0] * canvas.shape[1]))
    thickness = max(round(0.0028 * side), 1)
    plates: list[tuple[Plate, Color]] = []
    taken: list[Rect] = []
    for figure in figures:
        if figure.mask.size == 0:
            continue
        _paint(canvas, figure, thickness)
        plate = place(figure.captions, _top(figure), _extent(figure), canvas.shape[:2], taken)
        if plate is not None:
            taken.append(plate.rect)
            plates.append((plate, figure.color))
    for plate, color in plates:  # after all masks, so that none hides a label
        _write(canvas, plate, color)
    return canvas


def _extent(figure: Figure) -> Rect:
    return Rect(figure.x, figure.y, figure.mask.shape[1], figure.mask.shape[0])


def _top(figure: Figure) -> int:
    """Column of the figure's highest point; where that is an edge, its middle."""
    across = np.flatnonzero(figure.mask[0])
    return figure.x + int(across[len(across) // 2]) if len(across) else figure.x


def _paint(canvas: Pixels, figure: Figure, thickness: int) -> None:
    """Fill and outline one mask."""
    import cv2

    contours, _ = cv2.findContours(figure.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    corner = (figure.x, figure.y)
    if thickness > 1:  # what is thinner is of a picture that has no room for it
        rim = [_RIM * channel for channel in figure.color]
        width = thickness + 2 * max(thickness // 3, 1)
        cv2.drawContours(canvas, contours, -1, rim, width, cv2.LINE_AA, offset=corner)
    high, wide = figure.mask.shape
    region = canvas[figure.y : figure.y + high, figure.x : figure.x + wide]
    tinted = cv2.addWeighted(region, 1 - _OPACITY, np.full_like(region, figure.color), _OPACITY, 0)
    cv2.copyTo(tinted, figure.mask, region)
    cv2.drawContours(canvas, contours, -1, figure.color, thickness, cv2.LINE_AA, offset=corner)


def _write(canvas: Pixels, plate: Plate, color: Color) -> None:
    """A plate in the colour of the figure, and on it the text, black or white, whichever reads better."""
    x, y, width, height = plate.rect
    region = canvas[y : y + height, x : x + width]
    blue, green, red = color
    ink = 0 if 0.114 * blue + 0.587 * green + 0.299 * red > 135 else 255
    for cover, value in ((plate.ground, color), (plate.letters, (ink, ink, ink))):
        share = cover[..., None].astype(np.float32) / 255
        region[:] = np.rint(region * (1 - share) + np.array(value, np.float32) * share)
