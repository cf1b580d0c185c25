"""A call with few masks: N=1 and N=10, and what a call costs before its first mask."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from floor import make_cold

from maskrle.benchmark.timing import Spread, no_collection, seconds, spread
from maskrle.benchmark.ways import native_way, to_batch
from maskrle.benchmark.workload import SEEDS, SIZES, Workload, coco_like

_TINY_COUNTS = (1, 2, 4, 8, 16, 32)


class Latency(NamedTuple):
    size: str
    one: Spread  # microseconds of a call with one mask of the scene, masks cold
    ten: Spread  # with ten
    empty_call: Spread  # with none, warm
    empty_encode: Spread  # that up to RLEBatch
    fixed_cost: Spread  # a line through calls with few tiny masks, extended to none; warm
    tiny_mask: Spread  # that line's slope: microseconds per tiny mask


def run(size: str = "800x1365", *, quick: bool) -> Latency:
    image_size = SIZES[size]
    scenes = [coco_like(100, image_size, seed) for seed in SEEDS]
    ones = [scenes[0].representative(20).subset(np.array([k])) for k in range(20)]
    tens = [scene.representative(10) for scene in scenes]
    nothing = scenes[0].subset(np.arange(0))
    tinies = [tiny(count, image_size) for count in _TINY_COUNTS]
    rounds, times = (10, 100) if quick else (40, 500)
    one, ten, empty, encode, fixed, slopes = [], [], [], [], [], []
    with no_collection():
        for _ in range(rounds):
            for works, samples in ((ones, one), (tens, ten)):
                total = 0.0
                for work in works:
                    make_cold(work)
                    total += seconds(lambda work=work: native_way(work))[0] * 1e6
                samples.append(total / len(works))
            empty.append(looped(lambda: native_way(nothing), times) * 1e6)
            encode.append(looped(lambda: to_batch(nothing), times) * 1e6)
            line = [looped(lambda work=work: native_way(work), times) * 1e6 for work in tinies]
            slope, intercept = np.polyfit(_TINY_COUNTS, line, 1)
            fixed.append(float(intercept))
            slopes.append(float(slope))
    return Latency(size, *(spread(samples) for samples in (one, ten, empty, encode, fixed, slopes)))


def tiny(count: int, image_size: tuple[int, int], seed: int = SEEDS[0]) -> Workload:
    """Masks in boxes of one or two pixels: next to nothing to do but the call itself."""
    work = coco_like(count, image_size, seed)
    boxes = work.boxes.copy()
    boxes[:, 2:] = boxes[:, :2] + 1
    return work._replace(boxes=boxes)


def looped(call: Callable[[], object], times: int) -> float:
    """CPU seconds a call over many calls in a row, freeing results included."""
    begin = time.thread_time_ns()
    for _ in range(times):
        call()
    return (time.thread_time_ns() - begin) / 1e9 / times
