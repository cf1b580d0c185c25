"""The ways to do this work, each from masks and boxes to a list of dicts, in one thread.

`contestants()` gives all of them; `missing` names the packages that one lacks here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from workload import Workload

import maskrle

Rles = list[dict[str, Any]]
Way = Callable[[Workload], Rles | maskrle.RLEBatch]
OMZ_THRESHOLD = np.float32(0.5)
BASELINE = "accuracy_checker"


@dataclass(frozen=True)
class Contestant:
    name: str
    what: str
    packages: tuple[str, ...]  # that it needs
    make: Callable[[], Way]
    prepare: Callable[[], None] = lambda: None  # before each timed visit
    repeats: int = 1  # timed calls a visit
    is_slow: bool = False  # gets few rounds
    paste: str = "omz"  # the convention it follows

    @property
    def missing(self) -> list[str]:
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


def contestants() -> list[Contestant]:
    native = [
        Contestant(
            f"maskrle {name}",
            f"this package, its {name} kernel",
            (),
            lambda: native_way,
            prepare=partial(use_backend, name),
            repeats=5,
        )
        for name in maskrle.backends()
    ]
    best = maskrle.backends()[0]
    return [
        *native,
        Contestant(
            f"maskrle {best}, no dicts",
            "to RLEBatch only",
            (),
            lambda: to_batch,
            prepare=partial(use_backend, best),
            repeats=5,
        ),
        Contestant("numba", "the crossing idea in numba, compiled beforehand", ("numba",), _numba, repeats=3),
        Contestant(
            "rlemasklib",
            "cv2.resize of the transposed mask, crop, RLEMask.from_array, pad",
            ("cv2", "rlemasklib"),
            lambda: rlemasklib_way,
        ),
        Contestant(
            "cv2 strip",
            "cv2.resize into a strip of the box's columns, pycocotools, first and last run patched",
            ("cv2", "pycocotools"),
            lambda: strip_way,
        ),
        Contestant(
            BASELINE,
            "accuracy_checker's way: cv2.resize, whole image, Fortran copy, pycocotools",
            ("cv2", "pycocotools"),
            lambda: accuracy_checker_way,
            is_slow=True,
        ),
        Contestant(
            "torch paste",
            "detectron2's way: grid_sample in the box, whole image, Fortran copy, pycocotools",
            ("torch", "pycocotools"),
            lambda: torch_way,
            is_slow=True,
            paste="detectron2",
        ),
        Contestant(
            "numpy", "maskrle.reference, the specification in code", (), lambda: reference_way, is_slow=True
        ),
    ]


def single_thread() -> None:
    """Libraries that would start threads of their own stay in one."""
    for name, call in (("cv2", "setNumThreads"), ("torch", "set_num_threads")):
        if importlib.util.find_spec(name) is not None:
            getattr(importlib.import_module(name), call)(1)


def versions() -> dict[str, str]:
    """Of every package that takes part; absent ones are named as such."""
    found = {}
    for name in ("maskrle", "numpy", "numba", "rlemasklib", "opencv", "pycocotools", "torch"):
        candidates = [name, *(f"{name}-{kind}" for kind in ("python", "python-headless") if name == "opencv")]
        found[name] = next((v for v in map(_version, candidates) if v is not None), "absent")
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


# --- maskrle ----------------------------------------------------------------------------------------


def use_backend(name: str) -> None:
    from maskrle import _core

    _core._use_backend(name)


def native_way(work: Workload) -> Rles:
    return list(to_batch(work))


def to_batch(work: Workload) -> maskrle.RLEBatch:
    return maskrle.encode(work.masks, work.boxes, work.image_size, work.channels)


def reference_way(work: Workload) -> Rles:
    return list(maskrle.reference.encode(work.masks, work.boxes, work.image_size, work.channels))


# --- what others do -----------------------------------------------------------------------------------


def expanded(boxes: NDArray[np.float32], mask_height: int) -> NDArray[np.int32]:
    """Boxes grown about their centres by a border of one mask cell, truncated to whole pixels."""
    factor = np.float32((mask_height + 2) / mask_height)
    half = (boxes[:, 2:] - boxes[:, :2]) * np.float32(0.5) * factor
    center = (boxes[:, 2:] + boxes[:, :2]) * np.float32(0.5)
    return np.concatenate([center - half, center + half], 1).astype(np.int32)


def _padded(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.float32)
    padded[1:-1, 1:-1] = mask
    return padded


def _masks_and_boxes(work: Workload) -> Iterator[tuple[NDArray[np.float32], list[int]]]:
    boxes = expanded(work.boxes, work.masks.shape[2]).tolist()
    for masks, channel, box in zip(work.masks, work.channels, boxes, strict=True):
        yield masks[channel], box


def _window(box: list[int], image_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, right, top, bottom: the box's pixels inside the image."""
    height, width = image_size
    left, right = min(max(box[0], 0), width), min(max(box[2] + 1, 0), width)
    top, bottom = min(max(box[1], 0), height), min(max(box[3] + 1, 0), height)
    return left, right, top, bottom


def accuracy_checker_way(work: Workload) -> Rles:
    import cv2
    from pycocotools import mask as coco

    rles = []
    for mask, box in _masks_and_boxes(work):
        x0, y0, x1, y1 = box
        values = cv2.resize(_padded(mask), (max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1)))
        on = (values > OMZ_THRESHOLD).astype(np.uint8)
        left, right, top, bottom = _window(box, work.image_size)
        image = np.zeros(work.image_size, np.uint8)
        image[top:bottom, left:right] = on[top - y0 : bottom - y0, left - x0 : right - x0]
        rles.append(coco.encode(np.array(image[:, :, None], order="F"))[0])
    return rles


def strip_way(work: Workload) -> Rles:
    """Only the box's columns are drawn and encoded; then the first and the last run grow."""
    import cv2
    from pycocotools import mask as coco

    height, width = work.image_size
    rles = []
    for mask, box in _masks_and_boxes(work):
        x0, y0, x1, y1 = box
        # Transposed, the resized mask lies in memory as COCO wants it.
        values = cv2.resize(cv2.transpose(_padded(mask)), (max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)))
        left, right, top, bottom = _window(box, work.image_size)
        end = min(right + 1, width)  # one column more: the last run is zeros, unless the image ends there
        strip = np.zeros((end - left, height), np.uint8)
        crop = values[left - x0 : right - x0, top - y0 : bottom - y0]
        if crop.size:
            strip[: right - left, top:bottom] = crop > OMZ_THRESHOLD
        counts = coco.encode(strip.T)["counts"]
        counts = _patch(counts, left * height, (width - end) * height)
        rles.append({"size": [height, width], "counts": counts})
    return rles


def _patch(counts: bytes, first: int, last: int) -> bytes:
    """The string with its first and its last run grown by so many pixels."""
    ends = 1
    while counts[ends - 1] - 48 & 0x20:
        ends += 1
    if ends == len(counts):  # one run
        return _number(_value(counts) + first + last)
    begins = len(counts) - 1
    while counts[begins - 1] - 48 & 0x20:
        begins -= 1
    middle = counts[ends:begins]
    tail = _number(_value(counts[begins:]) + last) if last else counts[begins:]
    return _number(_value(counts[:ends]) + first) + middle + tail


def _value(characters: bytes) -> int:
    value = 0
    for k, character in enumerate(characters):
        value |= (character - 48 & 0x1F) << 5 * k
    sign = characters[-1] - 48 & 0x10
    return value - (1 << 5 * len(characters)) if sign else value


def _number(value: int) -> bytes:
    out = bytearray()
    while True:
        group, value = value & 0x1F, value >> 5
        if value == (-1 if group & 0x10 else 0):
            out.append(group + 48)
            return bytes(out)
        out.append((group | 0x20) + 48)


def rlemasklib_way(work: Workload) -> Rles:
    import cv2
    from rlemasklib import RLEMask

    height, width = work.image_size
    rles = []
    for mask, box in _masks_and_boxes(work):
        x0, y0, x1, y1 = box
        values = cv2.resize(cv2.transpose(_padded(mask)), (max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)))
        left, right, top, bottom = _window(box, work.image_size)
        crop = values[left - x0 : right - x0, top - y0 : bottom - y0]
        if not crop.size:
            rles.append(RLEMask.zeros((height, width)).to_dict())
            continue
        on = cv2.compare(crop, float(OMZ_THRESHOLD), cv2.CMP_GT)
        rle = RLEMask.from_array(on.reshape(crop.shape).T)
        rles.append(rle.pad(top, height - bottom, left, width - right, inplace=True).to_dict())
    return rles


def torch_way(work: Workload) -> Rles:
    import torch
    from pycocotools import mask as coco

    rles = []
    for masks, channel, box in zip(work.masks, work.channels, work.boxes, strict=True):
        image = torch.zeros(work.image_size, dtype=torch.bool)
        window, values = torch_values(masks[channel], box, work.image_size)
        image[window] = values >= 0.5
        rles.append(coco.encode(np.array(image.numpy()[:, :, None], order="F", dtype=np.uint8))[0])
    return rles


def torch_values(
    mask: NDArray[np.float32], box: NDArray[np.float32], image_size: tuple[int, int]
) -> tuple[tuple[slice, slice], Any]:
    """detectron2's window in the image, and the values that grid_sample puts there: a torch tensor."""
    import torch
    from torch.nn.functional import grid_sample

    height, width = image_size
    x0, y0, x1, y1 = box.tolist()
    left, top = max(int(np.floor(x0)) - 1, 0), max(int(np.floor(y0)) - 1, 0)
    right, bottom = min(int(np.ceil(x1)) + 1, width), min(int(np.ceil(y1)) + 1, height)
    x = (torch.arange(left, right, dtype=torch.float32) + 0.5 - x0) / (x1 - x0) * 2 - 1
    y = (torch.arange(top, bottom, dtype=torch.float32) + 0.5 - y0) / (y1 - y0) * 2 - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], 2)[None]
    values = grid_sample(torch.from_numpy(mask)[None, None], grid, align_corners=False)[0, 0]
    return (slice(top, bottom), slice(left, right)), values


def _numba() -> Way:
    from crossings_numba import crossings_way

    return crossings_way
