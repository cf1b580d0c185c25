"""The crossing idea in numba, as a capable engineer would write it in an afternoon: the hardest rival."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from maskrle.benchmark.workload import Workload

_F32 = np.float32


@njit(cache=False, error_model="numpy")
def _taps(low: int, high: int, begin: int, end: int, source: int) -> tuple[NDArray, NDArray]:
    """Source cell and weight of each destination pixel, as cv2.resize has them."""
    nodes, weights = np.empty(end - begin, np.int32), np.empty(end - begin, np.float32)
    scale = source / max(high - low + 1, 1)
    for k in range(end - begin):
        c = (begin - low + k + 0.5) * scale - 0.5
        cell = np.floor(c)
        inside = 0 <= cell < source - 1
        nodes[k] = min(max(cell, 0), source - 1)
        weights[k] = _F32(c - cell) if inside else _F32(0)
    return nodes, weights


@njit(inline="always", error_model="numpy")
def _blend(p: np.float32, q: np.float32, weight: np.float32) -> np.float32:
    return _F32(np.float64(_F32(q - p)) * np.float64(weight) + np.float64(p))


@njit(inline="always", error_model="numpy")
def _write(out: NDArray, at: int, value: int) -> int:
    while True:
        group = value & 31
        value >>= 5
        last = value == (-1 if group & 16 else 0)
        out[at] = group + (48 if last else 80)
        at += 1
        if last:
            return at


@njit(error_model="numpy")
def _changes(mask: NDArray, box: NDArray, height: int, width: int, padded: NDArray, changes: NDArray) -> int:
    """Positions where pixels change, in column-major order; returns how many."""
    source_h, source_w = mask.shape[0] + 2, mask.shape[1] + 2
    padded[1 : source_w - 1, 1 : source_h - 1] = mask.T  # source columns are contiguous
    left, right = min(max(box[0], 0), width), min(max(box[2] + 1, 0), width)
    top, bottom = min(max(box[1], 0), height), min(max(box[3] + 1, 0), height)
    x_nodes, x_weights = _taps(box[0], box[2], left, right, source_w)
    y_nodes, y_weights = _taps(box[1], box[3], top, bottom, source_h)
    starts = np.searchsorted(y_nodes, np.arange(source_h + 1))  # first pixel row of each source cell
    rows_per_cell = _F32(max(box[3] - box[1] + 1, 1) / source_h)
    column = np.zeros(source_h + 1, np.float32)
    count = 0
    for x in range(right - left):
        p, q, x_weight = padded[x_nodes[x]], padded[x_nodes[x] + 1], x_weights[x]
        for y in range(source_h):
            column[y] = _blend(p[y], q[y], x_weight)
        base = (left + x) * height + top
        is_on = False
        for y in range(source_h):
            low, high = column[y], column[y + 1]
            if (low > 0.5) == is_on and (high > 0.5) == is_on:
                continue
            row, last = starts[y], starts[y + 1]
            while row < last:  # at most twice: at the cell's first row, and where the line crosses
                if (_blend(low, high, y_weights[row]) > 0.5) == is_on:
                    if (_blend(low, high, y_weights[last - 1]) > 0.5) == is_on:
                        break
                    part = (_F32(0.5) - low) / (high - low) - y_weights[row]
                    row = min(max(row + int(part * rows_per_cell), row + 1), last - 1)
                    while (_blend(low, high, y_weights[row]) > 0.5) == is_on:
                        row += 1
                    while (_blend(low, high, y_weights[row - 1]) > 0.5) != is_on:
                        row -= 1
                count = _toggle(changes, count, base + row)
                is_on = not is_on
        if is_on:
            count = _toggle(changes, count, base + bottom - top)
    return count


@njit(inline="always", error_model="numpy")
def _toggle(changes: NDArray, count: int, position: int) -> int:
    if count > 0 and changes[count - 1] == position:  # a run that goes on into the next column
        return count - 1
    changes[count] = position
    return count + 1


@njit(error_model="numpy")
def _string(changes: NDArray, count: int, pixels: int, out: NDArray, at: int) -> int:
    """Writes a mask's string into `out` from `at` on; returns its end."""
    begin = before = earlier = 0
    if count == 0 or changes[count - 1] < pixels:
        changes[count] = pixels
        count += 1
    for k in range(count):
        run = changes[k] - begin
        at = _write(out, at, run - earlier if k > 2 else run)
        begin, earlier, before = changes[k], before, run
    return at


@njit(error_model="numpy")
def _encode_all(
    masks: NDArray, boxes: NDArray, channels: NDArray, height: int, width: int
) -> tuple[NDArray, NDArray]:
    count, rows, columns = len(boxes), masks.shape[2], masks.shape[3]
    padded = np.zeros((columns + 3, rows + 2), np.float32)
    changes = np.empty(2 * (rows + 2) * width + 2, np.int64)
    out, ends = np.empty(1 << 16, np.uint8), np.zeros(count + 1, np.int64)
    factor = _F32((rows + 2) / rows)
    box = np.empty(4, np.int64)
    for i in range(count):
        for axis in range(2):
            low, high = boxes[i, axis], boxes[i, axis + 2]
            half, center = (high - low) * _F32(0.5) * factor, (high + low) * _F32(0.5)
            box[axis], box[axis + 2] = int(center - half), int(center + half)
        mask = masks[i, channels[i]]
        found = _changes(mask, box, height, width, padded, changes)
        worst = ends[i] + 7 * (found + 1)
        if worst > len(out):
            grown = np.empty(2 * worst, np.uint8)
            grown[: ends[i]] = out[: ends[i]]
            out = grown
        ends[i + 1] = _string(changes, found, height * width, out, ends[i])
    return out, ends


def crossings_way(work: Workload) -> list[dict[str, Any]]:
    height, width = work.image_size
    out, ends = _encode_all(work.masks, work.boxes, work.channels, height, width)
    strings = out[: ends[-1]].tobytes()
    at = ends.tolist()
    return [{"size": [height, width], "counts": strings[begin:end]} for begin, end in pairwise(at)]
