"""The established procedures, written out literally with the libraries they use: what `encode` must equal."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

Pixels = NDArray[np.uint8]


def accuracy_checker(
    mask: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int], t: float
) -> Pixels:
    """Open Model Zoo's accuracy_checker ("omz"): the drawn mask, uint8 [H, W]."""
    scale = (mask.shape[0] + 2.0) / mask.shape[0]
    boxes = box[None]
    half_width = (boxes[:, 2] - boxes[:, 0]) * 0.5
    half_height = (boxes[:, 3] - boxes[:, 1]) * 0.5
    center_x = (boxes[:, 2] + boxes[:, 0]) * 0.5
    center_y = (boxes[:, 3] + boxes[:, 1]) * 0.5
    half_width *= scale
    half_height *= scale
    corners = (center_x - half_width, center_y - half_height, center_x + half_width, center_y + half_height)
    return _paste(mask, np.array(corners).ravel().astype(int), size, t)


def boxes_to_image(
    boxes: NDArray[np.float32],
    image_size: tuple[int, int],
    network: tuple[int, int],
    resize: str,
    *,
    pixels: bool,
) -> NDArray[np.float32]:
    """accuracy_checker's boxes after its resizing: with padding ("fit"), without ("stretch"), or none at all.

    `pixels`: the boxes are in pixels of the network's input, otherwise they are fractions of it.
    """
    height, width = image_size
    new_height, new_width = image_size if resize == "none" else network
    if resize == "fit":
        scale = min(network[0] / height, network[1] / width)
        new_width, new_height = max(int(scale * width), 1), max(int(scale * height), 1)
    scale_x, scale_y = float(new_width) / width, float(new_height) / height
    boxes = boxes.copy()
    if pixels:
        boxes[:, 0::2] /= scale_x
        boxes[:, 1::2] /= scale_y
    elif resize == "fit":
        boxes[:, 0::2] *= network[1] / scale_x
        boxes[:, 1::2] *= network[0] / scale_y
    else:
        boxes[:, 0::2] *= width
        boxes[:, 1::2] *= height
    return boxes


def model_api(mask: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int], t: float) -> Pixels:
    """OpenVINO Model API ("model_api"): the drawn mask, uint8 [H, W]."""
    height, width = size
    limits = np.array([width, height, width, height])
    corners = np.clip(np.around(box.astype(np.float64)), 0, limits).astype(np.int32)
    scale = (mask.shape[0] + 2.0) / mask.shape[0]
    half_width = (corners[2] - corners[0]) * 0.5 * scale
    half_height = (corners[3] - corners[1]) * 0.5 * scale
    center_x = (corners[2] + corners[0]) * 0.5
    center_y = (corners[3] + corners[1]) * 0.5
    grown = (center_x - half_width, center_y - half_height, center_x + half_width, center_y + half_height)
    return _paste(mask, np.array(grown).astype(np.int64), size, t)


def _paste(mask: NDArray[np.float32], corners: NDArray[np.int64], size: tuple[int, int], t: float) -> Pixels:
    height, width = size
    w, h = np.maximum(corners[2:] - corners[:2] + 1, 1)
    x0, y0 = np.clip(corners[:2], 0, [width, height])
    x1, y1 = np.clip(corners[2:] + 1, 0, [width, height])
    image = np.zeros(size, np.uint8)
    if x1 > x0 and y1 > y0:
        resized = cv2.resize(np.pad(mask, 1), (int(w), int(h)))
        drawn = (resized > np.float32(t)).astype(np.uint8)
        image[y0:y1, x0:x1] = drawn[y0 - corners[1] : y1 - corners[1], x0 - corners[0] : x1 - corners[0]]
    return image


def tensorflow(
    mask: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    """reframe_box_masks_to_image_masks ("tf"): values before the threshold, float32 [H, W]."""
    f = np.float32
    values = np.zeros(size, f)
    taps = []
    for low, high, side, cells in (
        (box[1], box[3], size[0], mask.shape[0]),
        (box[0], box[2], size[1], mask.shape[1]),
    ):
        reach = f(cells - 1)
        b0, b1 = low / f(side), high / f(side)
        den = max(b1 - b0, f(1e-4))
        a0, a1 = (f(0) - b0) / den, (f(1) - b0) / den
        scale = ((a1 - a0) * reach) / f(side - 1) if side > 1 else f(0)
        start = a0 * reach if side > 1 else f(0.5) * (a0 + a1) * reach
        taps.append([(start + f(d) * scale) for d in range(side)])
    for y, v in enumerate(taps[0]):
        if v < 0 or v > mask.shape[0] - 1:
            continue
        top, bottom = int(np.floor(v)), int(np.ceil(v))
        for x, u in enumerate(taps[1]):
            if u < 0 or u > mask.shape[1] - 1:
                continue
            left, right = int(np.floor(u)), int(np.ceil(u))
            upper = mask[top, left] + (mask[top, right] - mask[top, left]) * (u - f(left))
            lower = mask[bottom, left] + (mask[bottom, right] - mask[bottom, left]) * (u - f(left))
            values[y, x] = upper + (lower - upper) * (v - f(top))
    return values


def grid_sample(
    mask: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float64]:
    """detectron2's sampling in double precision: values before the threshold over the whole image."""
    m = np.pad(mask.astype(np.float64), 1)
    axes = []
    for low, high, side, cells in (
        (box[1], box[3], size[0], mask.shape[0]),
        (box[0], box[2], size[1], mask.shape[1]),
    ):
        low64, high64 = np.float64(low), np.float64(high)
        u = (np.arange(side) + 0.5 - low64) / (high64 - low64) * cells - 0.5
        u = np.clip(u, -1.0, float(cells))  # from there on, zeros
        cell = np.minimum(np.floor(u).astype(int), cells - 1)
        axes.append((cell + 1, u - cell))
    (y, fy), (x, fx) = axes
    fy = fy[:, None]
    upper = m[np.ix_(y, x)] * (1 - fx) + m[np.ix_(y, x + 1)] * fx
    lower = m[np.ix_(y + 1, x)] * (1 - fx) + m[np.ix_(y + 1, x + 1)] * fx
    return upper * (1 - fy) + lower * fy


def coco(pixels: Pixels) -> dict[str, object]:
    """pycocotools' answer for a drawn mask."""
    return coco_mask.encode(np.asfortranarray(pixels))  # type: ignore[no-any-return]
