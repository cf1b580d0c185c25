"""Masks as COCO's polygons, from their crops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .crops import Crop, crops
from .native import RLEBatch

__all__ = ["Polygons", "polygons"]

Polygons = list[list[float]]
"""One mask: for each part its corners x, y, x, y, ..., as an annotation's `segmentation`."""
Points = NDArray[np.int64]


def polygons(rles: RLEBatch) -> list[Polygons]:
    """The outlines of all masks along the edges of their pixels, so that COCO's drawing gives back the mask.

    Parts that touch at a corner are one. COCO's polygons have no holes: where a part has some, its outline
    goes along a line into the hole, round it and back.
    """
    return [_outlined(crop) for crop in crops(rles)]


def _outlined(crop: Crop) -> Polygons:
    if not crop.mask.size:
        return []
    import cv2

    # Contours run through the centres of border pixels. With each pixel doubled these lie in its four
    # corners, and a step outwards, right and down, makes of their coordinates those of the pixels' edges.
    doubled = crop.mask.repeat(2, axis=0).repeat(2, axis=1)
    found, hierarchy = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    corners = [_corners((contour[:, 0].astype(np.int64) + 1) // 2 + (crop.x, crop.y)) for contour in found]
    parts: dict[int, list[Points]] = {}
    for at, (_, _, _, outer) in enumerate(hierarchy[0].tolist()):
        parts.setdefault(at if outer < 0 else outer, []).append(corners[at])
        if outer < 0:  # its outline comes first, whatever the order of the contours
            parts[at].insert(0, parts[at].pop())
    return [_opened(outline, holes).ravel().astype(float).tolist() for outline, *holes in parts.values()]


def _corners(points: Points) -> Points:
    """The points where a closed line turns."""
    points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
    step = np.sign(np.roll(points, -1, axis=0) - points)
    turns: Points = points[(step != np.roll(step, 1, axis=0)).any(axis=1)]
    return turns


def _opened(outline: Points, holes: list[Points]) -> Points:
    """One line round a part and its holes: to each from the outline's nearest corner, and back to it."""
    pieces: dict[int, list[Points]] = {}
    for hole in holes:
        nearest = int(np.abs(outline - hole[0]).sum(axis=1).argmin())
        pieces.setdefault(nearest, []).extend((hole, hole[:1], outline[nearest : nearest + 1]))
    line, done = [], 0
    for at in sorted(pieces):
        line += [outline[done : at + 1], *pieces[at]]
        done = at + 1
    return np.concatenate([*line, outline[done:]])
