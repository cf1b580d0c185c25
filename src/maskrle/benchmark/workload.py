"""COCO-like masks and boxes from a seed: what a Mask R-CNN leaves behind, for images of any size.

Box sides follow the quantiles of COCO detections, as parts of the image's sides; they are stratified, so 100
boxes have the distribution of 10,000. Shapes are soft 33 x 33 masks: lumps, concave bodies with limbs, rings,
crescents and several parts. Every class channel but the right one is filled with garbage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SEEDS", "SIZES", "Workload", "coco_like"]

Field: TypeAlias = NDArray[np.float64]

CLASSES = 90
SIDE = 33
SEEDS = (21, 39, 62)  # scenes near to the quantiles of runs and string bytes too, not only of box sides
SIZES = {"480x640": (480, 640), "800x1365": (800, 1365), "2160x3840": (2160, 3840)}

# Quantiles of box sides, as parts of the image's side.
_PARTS = (0.0, 0.1, 0.5, 0.9, 1.0)
_WIDTHS = (0.010, 28 / 1365, 96 / 1365, 647 / 1365, 1308 / 1365)
_HEIGHTS = (0.015, 26 / 800, 86 / 800, 536 / 800, 793 / 800)
_CORRELATION = 0.93  # of the normal variables behind width and height


class Workload(NamedTuple):
    masks: NDArray[np.float32]  # [N, 90, 33, 33]
    boxes: NDArray[np.float32]  # [N, 4] x_min, y_min, x_max, y_max in pixels
    channels: NDArray[np.int64]  # [N]
    image_size: tuple[int, int]

    def subset(self, indices: NDArray[np.integer]) -> Workload:
        return Workload(self.masks[indices], self.boxes[indices], self.channels[indices], self.image_size)

    def representative(self, count: int) -> Workload:
        """Every k-th mask in the order of box area, so that few masks stand for all."""
        if count >= len(self.boxes):
            return self
        extent = self.boxes[:, 2:] - self.boxes[:, :2]
        order = np.argsort(extent.prod(1))
        picks = ((np.arange(count) + 0.5) * len(order) / count).astype(np.int64)
        return self.subset(order[picks])


def coco_like(count: int, image_size: tuple[int, int], seed: int = SEEDS[0]) -> Workload:
    """`count` detections of one image; the same seed gives the same scene at every image size."""
    rng = np.random.default_rng(seed)
    parts = _box_parts(count, rng)
    height, width = image_size
    scale = np.array([width, height, width, height])
    boxes = (parts * scale).astype(np.float32)
    channels = rng.integers(0, CLASSES, count)
    shapes = np.stack([soft_shape(rng) for _ in range(count)]) if count else np.zeros((0, SIDE, SIDE))
    masks = rng.random((count, CLASSES, SIDE, SIDE), dtype=np.float32)
    masks[np.arange(count), channels] = shapes
    return Workload(masks, boxes, channels, image_size)


def _box_parts(count: int, rng: np.random.Generator) -> Field:
    """Boxes [N, 4] as parts of the image's sides."""
    base, own = rng.standard_normal((2, count))
    other = _CORRELATION * base + np.sqrt(1 - _CORRELATION**2) * own
    extent = np.stack([_stratified(base, _WIDTHS), _stratified(other, _HEIGHTS)], 1)
    low = rng.uniform(0, 1, (count, 2)) * (1 - extent)
    return np.concatenate([low, low + extent], 1)


def _stratified(normal: Field, quantiles: tuple[float, ...]) -> Field:
    """One value per stratum, handed out in the order of `normal`; the largest is the last quantile."""
    ranks = np.argsort(np.argsort(normal))
    part = ranks / max(len(normal) - 1, 1)
    return np.exp(np.interp(part, _PARTS, np.log(quantiles)))


# --- shapes: functions of x and y in a box [-1, 1]^2, positive inside --------------------------------


def soft_shape(rng: np.random.Generator) -> NDArray[np.float32]:
    """A mask [33, 33] that nearly fills its box, its edge about two cells wide."""
    kind = rng.choice(len(_KINDS), p=_SHARES)
    parameters = rng.integers(2**32)
    fine = np.linspace(-1.6, 1.6, 129)
    across, down = np.meshgrid(fine, fine)
    inside = _KINDS[kind](across, down, np.random.default_rng(parameters)) > 0
    rows, columns = (fine[np.flatnonzero(inside.any(axis))] for axis in (1, 0))
    cells = (np.arange(SIDE) + 0.5) / SIDE
    slack = rng.uniform(1.0, 1.2, 2)
    x = (columns[0] + columns[-1]) / 2 + slack[0] * (cells - 0.5) * (columns[-1] - columns[0])
    y = (rows[0] + rows[-1]) / 2 + slack[1] * (cells - 0.5) * (rows[-1] - rows[0])
    across, down = np.meshgrid(x, y)
    level = _KINDS[kind](across, down, np.random.default_rng(parameters))
    level = level + 0.1 * _waves(across, down, rng, 8.0)
    sharpness = rng.uniform(14, 30)
    return (1 / (1 + np.exp(-sharpness * level))).astype(np.float32)


def _waves(x: Field, y: Field, rng: np.random.Generator, frequency: float) -> Field:
    total = np.zeros_like(x)
    for _ in range(3):
        fx, fy = rng.normal(0, frequency, 2)
        total += np.sin(fx * x + fy * y + rng.uniform(0, 2 * np.pi)) / 3
    return total


def _lump(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A round body whose radius swings with the angle."""
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    edge = np.ones_like(x)
    for k in range(2, 7):
        edge += rng.normal(0, 0.35 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    return np.clip(edge, 0.3, 1.5) - radius


def _stroke(x: Field, y: Field, start: Field, end: Field) -> Field:
    """Distance to a line between two points."""
    dx, dy = end - start
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
    distance: Field = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    return distance


def _body(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A trunk with limbs to all sides: concave, several runs in many columns."""
    level = 0.45 - np.hypot(x * rng.uniform(0.8, 1.8), y)
    for _ in range(rng.integers(3, 6)):
        angle = rng.uniform(0, 2 * np.pi)
        joint = rng.uniform(-0.3, 0.3, 2)
        tip = joint + rng.uniform(0.7, 1.1) * np.array([np.cos(angle), np.sin(angle)])
        level = np.maximum(level, rng.uniform(0.12, 0.24) - _stroke(x, y, joint, tip))
    return level


def _ring(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A lump with one or two holes."""
    level = _lump(x, y, rng)
    for _ in range(rng.integers(1, 3)):
        cx, cy = rng.uniform(-0.45, 0.45, 2)
        level = np.minimum(level, np.hypot(x - cx, y - cy) - rng.uniform(0.15, 0.4))
    return level


def _crescent(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """A lump with a bite out of one side."""
    angle = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(0.7, 1.0)
    bite = np.hypot(x - reach * np.cos(angle), y - reach * np.sin(angle)) - rng.uniform(0.45, 0.75)
    level: Field = np.minimum(_lump(x, y, rng), bite)
    return level


def _parts(x: Field, y: Field, rng: np.random.Generator) -> Field:
    """Two to four separate lumps, as of an object behind another."""
    level = np.full_like(x, -1.0)
    for _ in range(rng.integers(2, 5)):
        cx, cy = rng.uniform(-0.8, 0.8, 2)
        level = np.maximum(level, rng.uniform(0.25, 0.5) - np.hypot(x - cx, y - cy))
    return level


_KINDS: tuple[Callable[[Field, Field, np.random.Generator], Field], ...] = (
    _lump,
    _body,
    _ring,
    _crescent,
    _parts,
)
_SHARES = (0.42, 0.28, 0.08, 0.12, 0.10)
