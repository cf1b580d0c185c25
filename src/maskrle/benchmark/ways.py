"""Ways to do this work, each from masks and boxes to a list of COCO dicts: ours, and what others do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import reference
from ..native import RLEBatch, encode
from .workload import Workload

__all__ = ["Rles", "accuracy_checker_way", "native_way", "reference_way", "rlemasklib_way", "to_batch"]

Rles = list[Any]
"""Dicts {"size": [H, W], "counts": bytes}."""
OMZ_THRESHOLD = np.float32(0.5)


def to_batch(work: Workload) -> RLEBatch:
    """The native path up to its own container of strings."""
    return encode(work.masks, work.boxes, work.image_size, work.channels)


def native_way(work: Workload) -> Rles:
    """The native path."""
    return list(to_batch(work))


def reference_way(work: Workload) -> Rles:
    """The numpy twin: every mask is drawn."""
    return list(reference.encode(work.masks, work.boxes, work.image_size, work.channels))


def accuracy_checker_way(work: Workload) -> Rles:
    """cv2.resize, paste into a whole image, copy in Fortran order, pycocotools: Open Model Zoo's way."""
    import cv2
    from pycocotools import mask as coco

    rles = []
    for mask, box in masks_and_boxes(work):
        x0, y0, x1, y1 = box
        values = cv2.resize(padded(mask), (max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1)))
        on = (values > OMZ_THRESHOLD).astype(np.uint8)
        left, right, top, bottom = window(box, work.image_size)
        image = np.zeros(work.image_size, np.uint8)
        image[top:bottom, left:right] = on[top - y0 : bottom - y0, left - x0 : right - x0]
        rles.append(coco.encode(np.array(image[:, :, None], order="F"))[0])
    return rles


def rlemasklib_way(work: Workload) -> Rles:
    """cv2.resize of the transposed mask, rlemasklib of the box alone, padded to the image as runs."""
    import cv2
    from rlemasklib import RLEMask

    height, width = work.image_size
    rles = []
    for mask, box in masks_and_boxes(work):
        x0, y0, x1, y1 = box
        values = cv2.resize(cv2.transpose(padded(mask)), (max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)))
        left, right, top, bottom = window(box, work.image_size)
        crop = values[left - x0 : right - x0, top - y0 : bottom - y0]
        if not crop.size:
            rles.append(RLEMask.zeros((height, width)).to_dict())
            continue
        on: Any = cv2.compare(crop, float(OMZ_THRESHOLD), cv2.CMP_GT)  # type: ignore[call-overload]  # takes numbers
        rle = RLEMask.from_array(on.reshape(crop.shape).T)
        rles.append(rle.pad(top, height - bottom, left, width - right, inplace=True).to_dict())
    return rles


def masks_and_boxes(work: Workload) -> Iterator[tuple[NDArray[np.float32], list[int]]]:
    """Each mask's channel, and its box as Open Model Zoo expands it."""
    boxes = _expanded(work.boxes, work.masks.shape[2]).tolist()
    for masks, channel, box in zip(work.masks, work.channels, boxes, strict=True):
        yield masks[channel], box


def _expanded(boxes: NDArray[np.float32], mask_height: int) -> NDArray[np.int32]:
    """Boxes grown about their centres by a border of one mask cell, truncated to whole pixels."""
    factor = np.float32((mask_height + 2) / mask_height)
    half = (boxes[:, 2:] - boxes[:, :2]) * np.float32(0.5) * factor
    center = (boxes[:, 2:] + boxes[:, :2]) * np.float32(0.5)
    return np.concatenate([center - half, center + half], 1).astype(np.int32)


def padded(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mask within a border of one zero."""
    wider = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.float32)
    wider[1:-1, 1:-1] = mask
    return wider


def window(box: list[int], image_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, right, top, bottom: the box's pixels inside the image."""
    height, width = image_size
    left, right = min(max(box[0], 0), width), min(max(box[2] + 1, 0), width)
    top, bottom = min(max(box[1], 0), height), min(max(box[3] + 1, 0), height)
    return left, right, top, bottom
