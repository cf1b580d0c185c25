"""Outlines of the eight classes, as signed fields over pixels, and their anti-aliased coverage.

A shape lives in the unit square [-1, 1] x [-1, 1]; a pose maps pixels to it. Only numpy is used, so that the
same scene comes out on every machine, whatever drawing library it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLASSES", "Pose", "Sprite", "draw"]

Field: TypeAlias = NDArray[np.float32]

CLASSES = ("circle", "square", "triangle", "star", "ring", "heart", "cross", "crescent")
"""Names of the labels 1 to 8, in order."""


@dataclass(frozen=True)
class Pose:
    """Where a shape lies.

    center         x and y in pixels
    half_extents   of the unit square before rotation, in pixels
    angle          rotation in radians
    detail         0 to 1, varies the outline: how thick a ring is, how sharp a star
    """

    center: tuple[float, float]
    half_extents: tuple[float, float]
    angle: float
    detail: float


@dataclass(frozen=True)
class Sprite:
    """A drawn shape in its window.

    left, top    pixel of the window's first column and row; may be negative
    distance     float32 [h, w], pixels to the outline, negative inside (exact only near the outline)
    u, v         float32 [h, w], position in the unit square
    """

    left: int
    top: int
    distance: Field
    u: Field
    v: Field

    @property
    def coverage(self) -> Field:
        """float32 [h, w], the share of every pixel that the shape covers."""
        covered: Field = np.clip(np.float32(0.5) - self.distance, 0, 1)
        return covered


def draw(label: int, pose: Pose, margin: int) -> Sprite:
    """Draw the shape of `label` (1 to 8), with `margin` pixels around its rotated unit square."""
    (center_x, center_y), (a, b) = pose.center, pose.half_extents
    cos, sin = float(np.cos(pose.angle)), float(np.sin(pose.angle))
    reach_x = abs(a * cos) + abs(b * sin) + margin
    reach_y = abs(a * sin) + abs(b * cos) + margin
    left, top = int(np.floor(center_x - reach_x)), int(np.floor(center_y - reach_y))
    right, bottom = int(np.ceil(center_x + reach_x)), int(np.ceil(center_y + reach_y))
    x = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5 - center_x)
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - center_y)
    u = x * np.float32(cos / a) + y * np.float32(sin / a)
    v = y * np.float32(cos / b) - x * np.float32(sin / b)
    field = _OUTLINES[CLASSES[label - 1]](u, v, pose.detail)
    slope_y, slope_x = np.gradient(field)
    slope = np.sqrt(slope_x * slope_x + slope_y * slope_y)
    # The slope vanishes where both sides of a ridge cancel; half the regular slope bounds the distance there.
    distance: Field = field / np.maximum(slope, np.float32(0.5 / max(a, b)))
    return Sprite(left, top, distance, u, v)


def _circle(u: Field, v: Field, detail: float) -> Field:
    return np.sqrt(u * u + v * v) - np.float32(1)


def _square(u: Field, v: Field, detail: float) -> Field:
    return np.maximum(np.abs(u), np.abs(v)) - np.float32(1)


def _triangle(u: Field, v: Field, detail: float) -> Field:
    # Tip at (0, -1), base from (-1, 1) to (1, 1).
    sides = (np.float32(2) * np.abs(u) - v - np.float32(1)) * np.float32(5**-0.5)
    found: Field = np.maximum(sides, v - np.float32(1))
    return found


def _star(u: Field, v: Field, detail: float) -> Field:
    # Fold the plane into one tenth of the star, where a single straight edge bounds it.
    inner = 0.42 + 0.12 * detail
    step = 2 * np.pi / 5
    angle: Field = np.arctan2(u, -v)
    turns: Field = np.round(angle / np.float32(step))
    angle = np.abs(angle - np.float32(step) * turns)
    radius = np.sqrt(u * u + v * v)
    edge_x, edge_y = inner * float(np.sin(step / 2)), inner * float(np.cos(step / 2)) - 1
    length = float(np.hypot(edge_x, edge_y))
    along_x: Field = radius * np.sin(angle)
    along_y: Field = radius * np.cos(angle) - np.float32(1)
    found: Field = along_y * np.float32(edge_x / length) - along_x * np.float32(edge_y / length)
    return found


def _ring(u: Field, v: Field, detail: float) -> Field:
    radius = np.sqrt(u * u + v * v)
    return np.maximum(radius - np.float32(1), np.float32(0.45 + 0.25 * detail) - radius)


def _heart(u: Field, v: Field, detail: float) -> Field:
    # A square on its tip with a half disc on each of its upper sides.
    x, y = u * np.float32(1.707), v * np.float32(1.5606) - np.float32(0.1464)
    p, q = (x + y) * np.float32(0.5**0.5), (y - x) * np.float32(0.5**0.5)
    square = np.maximum(np.abs(p), np.abs(q)) - np.float32(1)
    right = np.sqrt(p * p + (q + 1) * (q + 1)) - np.float32(1)
    left = np.sqrt((p + 1) * (p + 1) + q * q) - np.float32(1)
    return np.minimum(square, np.minimum(left, right))


def _cross(u: Field, v: Field, detail: float) -> Field:
    arm = np.float32(0.3 + 0.15 * detail)
    across, down = np.abs(u), np.abs(v)
    found: Field = np.minimum(np.maximum(across - 1, down - arm), np.maximum(across - arm, down - 1))
    return found


def _crescent(u: Field, v: Field, detail: float) -> Field:
    shift, bite = np.float32(0.45 + 0.15 * detail), np.float32(0.8)
    outer = np.sqrt(u * u + v * v) - np.float32(1)
    found: Field = np.maximum(outer, bite - np.sqrt((u - shift) * (u - shift) + v * v))
    return found


_OUTLINES: dict[str, Callable[[Field, Field, float], Field]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "heart": _heart,
    "cross": _cross,
    "crescent": _crescent,
}
