"""Generated scenes: drawn shapes over textured backgrounds, with their exact truth."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from .drawing import CLASSES, Field, Pose, Sprite, draw
from .surfaces import Color, background, between, fill, finish, shape_color

__all__ = ["Truth", "scene"]

MIN_SIDE = 32
MIN_VISIBLE = 0.6
"""The least share of a shape that the frame and later shapes leave visible."""
_ATTEMPTS = 12


@dataclass(frozen=True)
class Truth:
    """What a scene shows; n objects, the lowest first.

    labels   int64 [n], 1 to 8, index into `CLASSES` plus one
    boxes    float32 [n, 4], x_min, y_min, x_max, y_max in pixels; tight around the visible mask,
             upper edges exclusive
    masks    uint8 [n, H, W], 1 where the object is visible; masks never overlap
    """

    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def annotations(self, image_id: int, first_id: int = 1) -> list[dict[str, Any]]:
        """The objects as COCO annotates them.

        Args:
            image_id: goes into each.
            first_id: number of the first annotation; the others follow.

        Returns:
            A dict for each object: id, image_id, category_id (the label), bbox [x, y, width, height] and area
            in pixels, iscrowd 0, segmentation as uncompressed RLE {"size": [H, W], "counts": list of int}.
        """
        height, width = (int(side) for side in self.masks.shape[1:])
        found = []
        for index, (label, box, mask) in enumerate(zip(self.labels, self.boxes, self.masks, strict=True)):
            x_min, y_min, x_max, y_max = (float(edge) for edge in box)
            flat = np.concatenate(([0], mask.T.ravel())).astype(np.int8)
            changes = np.flatnonzero(np.diff(flat))
            ends = np.concatenate(([0], changes, [height * width]))
            found.append(
                {
                    "id": first_id + index,
                    "image_id": image_id,
                    "category_id": int(label),
                    "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
                    "area": int(mask.sum(dtype=np.int64)),
                    "iscrowd": 0,
                    "segmentation": {"size": [height, width], "counts": np.diff(ends).tolist()},
                }
            )
        return found


@dataclass
class _Placed:
    label: int
    color: Color
    sprite: Sprite
    window: tuple[slice, slice]
    full: int
    visible: NDArray[np.bool_]


def scene(seed: int, size: tuple[int, int] = (480, 640)) -> tuple[NDArray[np.uint8], Truth]:
    """Draw scene number `seed`.

    Args:
        seed: any non-negative integer; the same seed and size give the same scene.
        size: (height, width) in pixels, each at least 32.

    Returns:
        The image, uint8 [H, W, 3] BGR, and what it shows.

    Raises:
        TypeError: seed or size are not integers.
        ValueError: a negative seed, a size that is not a pair or is too small.
    """
    seed = _integer("seed", seed)
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    height, width = _checked_size(size)
    rng = Generator(PCG64(seed))
    canvas = background(rng, height, width)
    placed: list[_Placed] = []
    area = height * width
    wanted = 3 + int(rng.random() * 9)
    for _ in range(wanted):
        if sum(item.full for item in placed) > 0.45 * area:
            break
        _place(rng, canvas, placed)
    while not placed:
        _place(rng, canvas, placed)
    return finish(rng, canvas), _truth(placed, height, width)


def _integer(name: str, value: Any) -> int:
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        sides = list(size)
    except TypeError:
        raise TypeError(f"size must be (height, width), got {size!r}") from None
    if len(sides) != 2:
        raise ValueError(f"size must be (height, width), got {size!r}")
    height, width = _integer("height", sides[0]), _integer("width", sides[1])
    if min(height, width) < MIN_SIDE:
        raise ValueError(f"size must be at least {MIN_SIDE} x {MIN_SIDE} pixels, got {height} x {width}")
    return height, width


def _pose(rng: Generator, placed: list[_Placed], height: int, width: int) -> Pose:
    short = min(height, width)
    # Equal chances for every factor of size: small and large shapes are both common.
    diameter = short * 0.14 * 3.0 ** float(rng.random())
    stretch = 1.35 ** between(rng, -1, 1)
    half_extents = (diameter / 2 * stretch**0.5, diameter / 2 / stretch**0.5)
    center = (between(rng, 0.06, 0.94) * width, between(rng, 0.06, 0.94) * height)
    if placed and rng.random() < 0.45:  # beside an earlier shape, so that shapes overlap often
        rows, columns = placed[int(rng.random() * len(placed))].window
        reach = 0.45 * (columns.stop - columns.start + diameter)
        turn = between(rng, 0, 2 * np.pi)
        center = (
            (columns.start + columns.stop) / 2 + reach * float(np.cos(turn)),
            (rows.start + rows.stop) / 2 + reach * float(np.sin(turn)),
        )
    return Pose(center, half_extents, between(rng, 0, 2 * np.pi), float(rng.random()))


def _place(rng: Generator, canvas: Field, placed: list[_Placed]) -> None:
    """Add one shape to the canvas and to `placed`, if some place leaves every shape visible enough."""
    height, width = canvas.shape[:2]
    short = min(height, width)
    label = 1 + int(rng.random() * len(CLASSES))
    margin = int(short * 0.03) + 2
    for _ in range(_ATTEMPTS):
        sprite = draw(label, _pose(rng, placed, height, width), margin)
        window, part = _clip(sprite, height, width)
        inside = sprite.coverage >= 0.5
        full = int(inside.sum())
        mask = inside[part]
        if int(mask.sum()) < max(MIN_VISIBLE * full, 9):
            continue
        whole = np.zeros((height, width), np.bool_)
        whole[window] = mask
        touched = [item for item in placed if (item.visible & whole).any()]
        if any(int((item.visible & ~whole).sum()) < max(MIN_VISIBLE * item.full, 9) for item in touched):
            continue
        color = _contrasting(rng, canvas[window][mask].mean(axis=0), touched)
        for item in touched:
            item.visible &= ~whole
        _paint(rng, canvas, sprite, window, part, color)
        placed.append(_Placed(label, color, sprite, window, full, whole))
        return


def _clip(sprite: Sprite, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The sprite's part within the image: its slices in the image, and in the sprite's window."""
    image, own = [], []
    for start, length, side in zip(
        (sprite.top, sprite.left), sprite.distance.shape, (height, width), strict=True
    ):
        low, high = min(max(start, 0), side), min(max(start + length, 0), side)
        image.append(slice(low, high))
        own.append(slice(low - start, high - start))
    return (image[0], image[1]), (own[0], own[1])


def _contrasting(rng: Generator, ground: Color, touched: list[_Placed]) -> Color:
    """A colour that stands out from the ground and the shapes it touches; the best of a few otherwise."""
    against = [ground, *(item.color for item in touched)]
    best, best_distance = ground, -1.0
    for _ in range(_ATTEMPTS):
        color = shape_color(rng)
        distance = min(float(np.sqrt(((color - other) ** 2).sum())) for other in against)
        if distance > best_distance:
            best, best_distance = color, distance
        if distance > 0.4:
            break
    return best


def _paint(
    rng: Generator,
    canvas: Field,
    sprite: Sprite,
    window: tuple[slice, slice],
    part: tuple[slice, slice],
    color: Color,
) -> None:
    height, width = canvas.shape[:2]
    short = min(height, width)
    view = canvas[window]
    if rng.random() < 0.4:
        reach = short * 0.015
        shift = (round(between(rng, 0, reach)), round(between(rng, -reach, reach)))
        softness = np.float32(max(reach, 1.0))
        shade = np.clip((softness - np.roll(sprite.distance, shift, axis=(0, 1))) / (2 * softness), 0, 1)
        view *= 1 - np.float32(between(rng, 0.2, 0.45)) * shade[part][..., None]
    colors = fill(rng, sprite, color, short)[part]
    view += (colors - view) * sprite.coverage[part][..., None]


def _truth(placed: list[_Placed], height: int, width: int) -> Truth:
    labels = np.array([item.label for item in placed], np.int64)
    masks = np.zeros((len(placed), height, width), np.uint8)
    boxes = np.zeros((len(placed), 4), np.float32)
    for index, item in enumerate(placed):
        masks[index] = item.visible
        rows = np.flatnonzero(item.visible.any(axis=1))
        columns = np.flatnonzero(item.visible.any(axis=0))
        boxes[index] = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return Truth(labels, boxes, masks)
