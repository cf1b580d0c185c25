"""Masks and boxes of many kinds, from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

KINDS = ("noise", "soft", "blob", "binary", "plateau", "on", "off", "checkerboard", "row", "column", "half")
SIDES = (1, 2, 3, 5, 14, 28, 33, 33, 56, 63, 80)
IMAGES = (1, 2, 3, 7, 16, 33, 64, 65, 120, 250)


class Sample(NamedTuple):
    kind: str
    mask: NDArray[np.float32]  # [h, w]
    box: NDArray[np.float32]  # [4]
    image_size: tuple[int, int]
    threshold: float


def samples(count: int, seed: int) -> Iterator[Sample]:
    """Every kind of mask in turn, in boxes inside, across and outside images from 1 x 1 up."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        height, width = (int(side) for side in rng.choice(SIDES, 2))
        image_size = (int(rng.choice(IMAGES)), int(rng.choice(IMAGES)))
        threshold = float(rng.choice([0.5, 0.5, 0.5, 0.3, 0.0, -0.25, 1.0]))
        yield Sample(
            kind,
            mask_of(kind, (height, width), threshold, rng),
            box_in(image_size, rng),
            image_size,
            threshold,
        )


def mask_of(
    kind: str, size: tuple[int, int], threshold: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    height, width = size
    noise = rng.random(size, dtype=np.float32)
    y, x = np.mgrid[:height, :width]
    match kind:
        case "noise":
            return noise
        case "soft":
            return cv2.GaussianBlur(noise, (0, 0), 2).reshape(size)
        case "blob":
            radius = np.hypot(
                (y + 0.5) / height - rng.uniform(0.3, 0.7), (x + 0.5) / width - rng.uniform(0.3, 0.7)
            )
            return (1 / (1 + np.exp((radius - 0.35) * 20 + noise))).astype(np.float32)
        case "binary":
            return (noise > 0.5).astype(np.float32)
        case "plateau":  # exactly at the threshold, and one unit in the last place around it
            t = np.float32(threshold)
            levels = np.array(
                [t, t, np.nextafter(t, np.float32(2)), np.nextafter(t, np.float32(-2)), 0, 1], np.float32
            )
            return levels[rng.integers(0, len(levels), size)]
        case "on":
            return np.full(size, threshold + 0.25, np.float32)
        case "off":
            return np.full(size, threshold - 0.25, np.float32)
        case "checkerboard":
            return ((y + x) % 2).astype(np.float32)
        case "row":
            return (y == rng.integers(height)).astype(np.float32)
        case "column":
            return (x == rng.integers(width)).astype(np.float32)
        case "half":  # a blend of 0 and 1 often lies exactly at one half
            return (x < width / 2).astype(np.float32)
    raise ValueError(kind)


def box_in(image_size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """A box of 1/100 pixel to ten times the image, its centre near the image; now and then turned around."""
    height, width = image_size
    center = rng.uniform(-0.2, 1.2, 2) * [width, height]
    extent = np.exp(rng.uniform(np.log(0.01), np.log(10 * np.array([width, height])))) / 2
    corners = np.concatenate([center - extent, center + extent]).astype(np.float32)
    if rng.random() < 0.2:
        corners = np.round(corners)
    return corners[[2, 3, 0, 1]] if rng.random() < 0.03 else corners


def coco_like(count: int, image_size: tuple[int, int], seed: int) -> tuple[NDArray[np.float32], ...]:
    """Masks as a network with 90 classes puts them out, boxes, and channels; other channels hold noise."""
    rng = np.random.default_rng(seed)
    height, width = image_size
    channels = rng.integers(0, 90, count)
    masks = rng.random((count, 90, 33, 33), dtype=np.float32)
    for mask, channel in zip(masks, channels, strict=True):
        mask[channel] = mask_of("blob", (33, 33), 0.5, rng)
    center = rng.uniform(0, 1, (count, 2)) * [width, height]
    extent = np.exp(rng.normal(np.log(0.1), 0.9, (count, 2))) * [width, height] / 2
    boxes = np.concatenate([center - extent, center + extent], 1).clip(0, [width, height, width, height])
    return masks, boxes.astype(np.float32), channels
