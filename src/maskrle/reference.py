"""The specification in code: what `maskrle.encode` computes, written in numpy to be read.

Every mask is drawn in full, so this is slow; the native path never draws one and must give the same bytes.

A mask is pasted in five steps, and a convention is a choice of the second, third and fourth:

1. take the mask's channel and put a border of one zero around it (`_padded`);
2. per axis, find the pixels that the box covers and, for each of them, two neighbouring cells of the
   padded mask and the weight between them (`_CONVENTIONS`, giving an `_Axis` each);
3. blend along the rows, then along the columns (`_blend_fused` or `_blend_two_roundings`);
4. compare with the threshold;
5. write the runs of the whole image as COCO does (`_runs`, `_string`).

All arithmetic is float32, rounded after every operation, unless a name ends in 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .native import RLEBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["PASTES", "encode"]

_F32 = np.float32


def encode(
    masks: NDArray[np.float32] | NDArray[np.float16],
    boxes: NDArray[np.float32],
    image_size: tuple[int, int],
    channels: NDArray[np.integer] | None = None,
    *,
    paste: str = "omz",
    threshold: float = 0.5,
) -> RLEBatch:
    """Paste masks into boxes and encode them, as `maskrle.encode` does and to the same bytes.

    Args:
        masks: float32 or float16 [N, C, h, w] or [N, h, w].
        boxes: float32 [N, 4], x_min, y_min, x_max, y_max in pixels of the image.
        image_size: (height, width) in pixels.
        channels: integers [N], the 0-based channel of each mask; needed where C > 1.
        paste: "omz", "model_api", "tf" or "detectron2".
        threshold: a pixel is on where its value is greater ("detectron2": greater or equal).

    Returns:
        RLEBatch of N masks.

    Raises:
        ValueError: an array has the wrong shape or holds a value outside its range.
    """
    if masks.ndim == 3:
        masks = masks[:, None]
    if channels is None:
        if masks.shape[1] != 1 and len(masks):
            raise ValueError(f"channels is required: masks have {masks.shape[1]} channels")
        channels = np.zeros(len(masks), np.int64)
    if paste not in _CONVENTIONS:
        raise ValueError(f"paste must be one of {', '.join(map(repr, _CONVENTIONS))}, got {paste!r}")
    if not len(masks) == len(boxes) == len(channels):
        raise ValueError(
            f"masks, boxes and channels must be as many, got {len(masks)}, {len(boxes)}, {len(channels)}"
        )
    rles = []
    for index, (mask, box, channel) in enumerate(zip(masks, boxes, channels, strict=True)):
        if not 0 <= channel < len(mask):
            raise ValueError(f"channels must be from 0 to {len(mask) - 1}, got {channel} at index {index}")
        if not np.isfinite(mask[channel]).all():
            raise ValueError(f"masks must be finite: mask {index}, channel {channel} is not")
        if not (np.abs(box) <= 1e9).all():
            raise ValueError(f"boxes must be finite and within +-1e9, got {box} at index {index}")
        pixels = _paste(mask[channel].astype(_F32), box, image_size, paste, _F32(threshold))
        rles.append({"size": list(image_size), "counts": _string(_runs(pixels))})
    return RLEBatch.from_dicts(rles, image_size)


class _Axis(NamedTuple):
    """Pixels [begin, begin + len(node)) of an image side, and what each takes from the padded mask."""

    begin: int
    node: NDArray[np.int64]  # blends cells node and node + 1 of the padded mask
    weight: NDArray[np.float32]  # 0: the cell `node` itself


def _paste(
    mask: NDArray[np.float32],
    box: NDArray[np.float32],
    image_size: tuple[int, int],
    paste: str,
    threshold: _F32,
) -> NDArray[np.bool_]:
    """The mask drawn: bool [H, W]."""
    convention = _CONVENTIONS[paste]
    y, x = convention.place(box.astype(_F32), image_size, mask.shape)
    padded = _padded(mask)
    with np.errstate(over="ignore", invalid="ignore"):  # differences of values near the largest float32
        rows = convention.blend(padded[:, x.node], padded[:, x.node + 1], x.weight)
        values = convention.blend(rows[y.node], rows[y.node + 1], y.weight[:, None])
    on = values >= threshold if convention.at_threshold else values > threshold
    pixels = np.zeros(image_size, np.bool_)
    pixels[y.begin : y.begin + len(y.node), x.begin : x.begin + len(x.node)] = on
    return pixels


def _padded(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    # One zero before each axis; one after it, and one more so that the last cell has a neighbour too.
    return np.pad(mask, ((1, 2), (1, 2)))


# --- blends -----------------------------------------------------------------------------------------


def _blend_fused(
    p: NDArray[np.float32], q: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """fma(q - p, weight, p): the difference is rounded, then product and sum once together."""
    product64 = (q - p).astype(np.float64) * weight  # exact: 24 + 24 bits
    sum64 = product64 + p
    # What the sum lost (Knuth's TwoSum). Rounding twice, to 53 and then to 24 bits, is wrong only if the
    # first rounding hides on which side of a tie the exact sum lay: so make it round to odd instead.
    part64 = sum64 - product64
    lost64 = (product64 - (sum64 - part64)) + (p - part64)
    is_even = (sum64.view(np.int64) & 1) == 0
    odd64 = np.where((lost64 != 0) & is_even, np.nextafter(sum64, np.copysign(np.inf, lost64)), sum64)
    return odd64.astype(_F32)


def _blend_two_roundings(
    p: NDArray[np.float32], q: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    return p + (q - p) * weight


# --- omz and model_api: the padded mask resized by OpenCV to a box of whole pixels ------------------


def _resized_axis(first: int, last: int, image_side: int, side: int) -> _Axis:
    """`cv2.resize(padded, INTER_LINEAR)` to the pixels first..last, cut off at the image."""
    begin, end = (min(max(edge, 0), image_side) for edge in (first, last + 1))
    source = side + 2
    extent = max(last - first + 1, 1)
    pixel64 = np.arange(begin, end, dtype=np.float64) - first
    coordinate64 = (pixel64 + 0.5) * (source / extent) - 0.5
    cell64 = np.floor(coordinate64)
    node = np.clip(cell64, 0, source - 1).astype(np.int64)
    inside = (cell64 >= 0) & (cell64 < source - 1)
    return _Axis(begin, node, np.where(inside, coordinate64 - cell64, 0.0).astype(_F32))


def _place_omz(
    box: NDArray[np.float32], image_size: tuple[int, int], mask_size: tuple[int, ...]
) -> tuple[_Axis, _Axis]:
    """Open Model Zoo's accuracy_checker: the float box grown by the border, truncated toward zero."""
    factor = _F32((mask_size[0] + 2) / mask_size[0])  # from the height, for both axes
    axes = []
    for low, high, image_side, side in _per_axis(box, image_size, mask_size):
        half = (high - low) * _F32(0.5) * factor
        center = (high + low) * _F32(0.5)
        axes.append(_resized_axis(int(center - half), int(center + half), image_side, side))
    return axes[0], axes[1]


def _place_model_api(
    box: NDArray[np.float32], image_size: tuple[int, int], mask_size: tuple[int, ...]
) -> tuple[_Axis, _Axis]:
    """OpenVINO Model API: the box rounded and clipped to the image, then grown in float64."""
    factor64 = (mask_size[0] + 2) / mask_size[0]
    axes = []
    for low, high, image_side, side in _per_axis(box, image_size, mask_size):
        low64, high64 = (float(np.clip(np.around(np.float64(edge)), 0, image_side)) for edge in (low, high))
        half64 = (high64 - low64) * 0.5 * factor64
        center64 = (high64 + low64) * 0.5
        axes.append(_resized_axis(int(center64 - half64), int(center64 + half64), image_side, side))
    return axes[0], axes[1]


# --- tf: the mask sampled by crop_and_resize, zero outside ------------------------------------------


def _place_tf(
    box: NDArray[np.float32], image_size: tuple[int, int], mask_size: tuple[int, ...]
) -> tuple[_Axis, _Axis]:
    """TensorFlow Object Detection API, `reframe_box_masks_to_image_masks`."""
    axes = []
    for low, high, image_side, side in _per_axis(box, image_size, mask_size):
        reach = _F32(side - 1)
        b0, b1 = low / _F32(image_side), high / _F32(image_side)
        den = max(b1 - b0, _F32(1e-4))
        a0, a1 = (_F32(0) - b0) / den, (_F32(1) - b0) / den
        if image_side > 1:
            step = ((a1 - a0) * reach) / _F32(image_side - 1)
            u = a0 * reach + np.arange(image_side).astype(_F32) * step
        else:
            u = np.array([_F32(0.5) * (a0 + a1) * reach])
        axes.append(_sampled_axis(0, u, low_edge=_F32(0), beyond=u > reach, side=side))
    return axes[0], axes[1]


# --- detectron2: grid_sample with zeros around the mask ---------------------------------------------


def _place_detectron2(
    box: NDArray[np.float32], image_size: tuple[int, int], mask_size: tuple[int, ...]
) -> tuple[_Axis, _Axis]:
    """detectron2's and mmdetection's paste: the float box as it is, blending to zero over half a cell."""
    axes = []
    for low, high, image_side, side in _per_axis(box, image_size, mask_size):
        begin = min(max(int(np.floor(low)) - 1, 0), image_side)
        end = max(min(int(np.ceil(high)) + 1, image_side), begin)
        pixel = np.arange(begin, end).astype(_F32)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a box without extent
            u = (pixel + _F32(0.5) - low) / (high - low) * _F32(side) - _F32(0.5)
        axes.append(_sampled_axis(begin, u, low_edge=_F32(-1), beyond=u >= side, side=side))
    return axes[0], axes[1]


def _sampled_axis(
    begin: int, u: NDArray[np.float32], *, low_edge: _F32, beyond: NDArray[np.bool_], side: int
) -> _Axis:
    """Coordinates on the mask without its border -> cells of the padded one; the border where outside."""
    before = ~(u >= low_edge)  # NaN too
    inside = ~before & ~beyond
    cell = np.floor(np.where(inside, u, _F32(0)))
    node = np.where(inside, cell + 1, np.where(before, 0, side + 1)).astype(np.int64)
    return _Axis(begin, node, np.where(inside, u - cell, _F32(0)).astype(_F32))


def _per_axis(
    box: NDArray[np.float32], image_size: tuple[int, int], mask_size: tuple[int, ...]
) -> list[tuple[_F32, _F32, int, int]]:
    """(low edge, high edge, image side, mask side) of the y axis and of the x axis."""
    x_min, y_min, x_max, y_max = box
    return [(y_min, y_max, image_size[0], mask_size[0]), (x_min, x_max, image_size[1], mask_size[1])]


class _Convention(NamedTuple):
    place: Callable[
        [NDArray[np.float32], tuple[int, int], tuple[int, ...]], tuple[_Axis, _Axis]
    ]  # box, image size, mask size -> y axis, x axis
    blend: Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
    at_threshold: bool  # whether a value equal to the threshold is on


_CONVENTIONS = {
    "omz": _Convention(_place_omz, _blend_fused, False),
    "model_api": _Convention(_place_model_api, _blend_fused, False),
    "tf": _Convention(_place_tf, _blend_two_roundings, False),
    "detectron2": _Convention(_place_detectron2, _blend_two_roundings, True),
}
PASTES = tuple(_CONVENTIONS)
"""Names of the conventions for putting masks into their boxes, the default first; see `maskrle.encode`."""


# --- COCO run-length encoding -----------------------------------------------------------------------


def _runs(pixels: NDArray[np.bool_]) -> list[int]:
    """Lengths of equal pixels in column-major order; the first counts zeros and may be 0."""
    flat = pixels.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate(([0] if not flat[0] else [0, 0], changes, [flat.size]))
    return [int(run) for run in np.diff(starts)]


def _string(runs: list[int]) -> bytes:
    """COCO's compressed string: from the fourth run on, differences to the run two before."""
    out = bytearray()
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:  # groups of 5 bits, low first; bit 5: more follow; the last group's bit 4 is the sign
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            out.append((group | 0x20 if more else group) + 48)
    return bytes(out)
