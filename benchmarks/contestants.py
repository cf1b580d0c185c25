"""The ways to do this work, each from masks and boxes to a list of dicts.

`contestants()` gives all of them; `absent` says why one cannot take part here.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import maskrle
from maskrle.benchmark.verdict import Verdict, compare
from maskrle.benchmark.ways import (
    OMZ_THRESHOLD,
    Rles,
    accuracy_checker_way,
    masks_and_boxes,
    native_way,
    padded,
    reference_way,
    rlemasklib_way,
    to_batch,
    window,
)
from maskrle.benchmark.workload import Workload

Way = Callable[[Workload], Rles | maskrle.RLEBatch]
BASELINE = "accuracy_checker"
PACKAGES = (
    "maskrle",
    "numpy",
    "openvino",
    "cv2",
    "pycocotools",
    "rlemasklib",
    "numba",
    "torch",
    "model_api",
    "pytest_benchmark",
)


@dataclass(frozen=True)
class Contestant:
    name: str
    what: str
    packages: tuple[str, ...]  # modules that it needs
    make: Callable[[], Way]
    prepare: Callable[[], None] = lambda: None  # before each timed visit
    repeats: int = 1  # timed calls a visit
    paste: str = "omz"  # the convention it follows
    known: str = ""  # why single pixels differ from that convention, where they do
    bytes_a_pixel: int = 0  # of memory, for each mask and pixel of the image

    @property
    def missing(self) -> list[str]:
        return [name for name in self.packages if importlib.util.find_spec(name) is None]

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("maskrle")

    def absent(self, work: Workload) -> str:
        """Why it cannot take part, or empty."""
        if self.missing:
            return f"{', '.join(self.missing)} not installed"
        height, width = work.image_size
        needed = len(work.boxes) * height * width * self.bytes_a_pixel
        return f"needs {needed / 1e9:.1f} GB" if needed > 0.5 * available_bytes() else ""


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
    turned = "OpenCV resizes the mask turned over, so its two roundings come in the other order"
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
            known=turned,
        ),
        Contestant(
            "cv2 strip",
            "cv2.resize into a strip of the box's columns, pycocotools, first and last run patched",
            ("cv2", "pycocotools"),
            lambda: strip_way,
            known=turned,
        ),
        Contestant(
            BASELINE,
            "accuracy_checker's way: cv2.resize, whole image, Fortran copy, pycocotools",
            ("cv2", "pycocotools"),
            lambda: accuracy_checker_way,
        ),
        Contestant(
            "torch paste",
            "detectron2's way: grid_sample in the box, whole image, Fortran copy, pycocotools",
            ("torch", "pycocotools"),
            lambda: torch_way,
            paste="detectron2",
            known="grid_sample blends four products at once: values within 1e-5 of the threshold",
        ),
        Contestant(
            "Model API",
            "MaskRCNNModel.postprocess of openvino-model-api, pycocotools",
            ("model_api", "pycocotools"),
            _model_api,
            paste="model_api",
            bytes_a_pixel=2,  # whole images, once each and once stacked
        ),
        Contestant("numpy", "maskrle.reference, the specification in code", (), lambda: reference_way),
    ]


def truth() -> tuple[str, Way]:
    """What all are compared with, and by whom: the specification where accuracy_checker's packages lack."""
    baseline = next(c for c in contestants() if c.name == BASELINE)
    if baseline.missing:
        return "maskrle.reference", reference_way
    return BASELINE, baseline.make()


def own_convention(contestant: Contestant, result: Rles, work: Workload) -> Verdict:
    """A contestant's result against maskrle's with the same convention.

    Raises:
        RuntimeError: more than single pixels differ: this is other work, and not to be timed.
    """
    mine = maskrle.encode(work.masks, work.boxes, work.image_size, work.channels, paste=contestant.paste)
    verdict = compare(result, list(mine))
    if not verdict.fit or (verdict.differing_masks and contestant.is_ours):
        raise RuntimeError(f"{contestant.name} does other work than maskrle: {verdict}")
    return verdict


@functools.cache
def threads_as_shipped() -> dict[str, int]:
    """How many threads libraries start by themselves, of those that start any; to be asked first of all."""
    found = {}
    for name, count in (("cv2", "getNumThreads"), ("torch", "get_num_threads")):
        if importlib.util.find_spec(name) is not None:
            found[name] = getattr(importlib.import_module(name), count)()
    return found


def use_threads(*, single: bool) -> None:
    """Libraries with threads of their own stay in one, or take as many as they do by themselves."""
    for name, call in (("cv2", "setNumThreads"), ("torch", "set_num_threads")):
        if name in threads_as_shipped():
            getattr(importlib.import_module(name), call)(1 if single else threads_as_shipped()[name])


def use_backend(name: str) -> None:
    from maskrle import _core

    _core._use_backend(name)


def available_bytes() -> float:
    try:
        with open("/proc/meminfo") as lines:
            return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 4e9


def strip_way(work: Workload) -> Rles:
    """Only the box's columns are drawn and encoded; then the first and the last run grow."""
    import cv2
    from pycocotools import mask as coco

    height, width = work.image_size
    rles = []
    for mask, box in masks_and_boxes(work):
        x0, y0, x1, y1 = box
        # Transposed, the resized mask lies in memory as COCO wants it.
        values = cv2.resize(cv2.transpose(padded(mask)), (max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)))
        left, right, top, bottom = window(box, work.image_size)
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


def _model_api() -> Way:
    from model_api_way import model_api_way

    return model_api_way
