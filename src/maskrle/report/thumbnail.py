"""One picture of a report: its pixels small, the outlines of its instances as SVG paths."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..crops import Crop, crops
from ..results import Instances

__all__ = ["UNIT", "summary", "thumbnail"]

_SIDE = 400
"""The longest side of a thumbnail, pixels."""
_QUALITY = 76
UNIT = 4
"""Paths have whole numbers: this many to a thumbnail's pixel."""


def summary(instances: Instances) -> dict[str, Any]:
    """What a page says of every picture, fit for JSON: how many of each label, and the range of scores."""
    labels, counts = np.unique(instances.labels, return_counts=True)
    scores = instances.scores
    return {
        "labels": [[*pair] for pair in zip(labels.tolist(), counts.tolist(), strict=True)],
        "scores": [float(scores.min()), float(scores.max())] if len(instances) else [],
    }


def thumbnail(instances: Instances, image: NDArray[np.uint8]) -> dict[str, Any]:
    """What a page shows of a picture, fit for JSON.

    pixels     JPEG in base64
    size       [width, height] of it
    instances  [label, score, track or None, SVG path], the largest first, so that the others lie on top
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    order = np.argsort(-instances.rles.areas, kind="stable")
    found = instances[order]
    tracks = [None] * len(found) if found.tracks is None else found.tracks.tolist()
    columns = (found.labels.tolist(), found.scores.tolist(), tracks, crops(found.rles))
    return {
        "pixels": base64.b64encode(jpeg.tobytes()).decode(),
        "size": list(size),
        "instances": [
            [label, score, track, _path(crop, (size[0] / width, size[1] / height))]
            for label, score, track, crop in zip(*columns, strict=True)
        ],
    }


def _path(crop: Crop, scale: tuple[float, float]) -> str:
    """The outlines of a mask, holes among them, as an SVG path; nothing where the mask is empty."""
    import cv2

    if crop.mask.size == 0:
        return ""
    contours: Any = cv2.findContours(crop.mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[0]
    # What is smaller than a thumbnail's pixel cannot be seen; a mask that has nothing else keeps its largest.
    least = 1 / max(scale)
    spans = [max(cv2.boundingRect(contour)[2:]) for contour in contours]
    seen = [one for one, span in zip(contours, spans, strict=True) if span >= min(least, max(spans))]
    corner = np.array([crop.x, crop.y])
    return "".join(
        _polygon(cv2.approxPolyDP(one, 0.5 * least, True).reshape(-1, 2) + corner, scale) for one in seen
    )


def _polygon(points: NDArray[Any], scale: tuple[float, float]) -> str:
    units = np.rint((points + 0.5) * (UNIT * np.array(scale))).astype(np.int64)  # through middles of pixels
    steps = np.diff(units, axis=0)
    steps = steps[steps.any(axis=1)]
    x, y = units[0].tolist()
    lines = " ".join(f"{across}{down:+d}" for across, down in steps.tolist())
    return f"M{x} {y}l{lines}z" if lines else f"M{x} {y}z"
