"""Throughput of two threads on two cores against one, by the wall clock: the native call releases the GIL."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from maskrle.benchmark.timing import Spread, spread
from maskrle.benchmark.ways import native_way, to_batch
from maskrle.benchmark.workload import SEEDS, SIZES, Workload, coco_like


class Threads(NamedTuple):
    size: str
    cores: int
    load: float  # the machine's load average before: where it is not near 0, cores are not free
    encode: Spread  # throughput of two threads / of one, up to RLEBatch
    dicts: Spread  # on to the list of dicts, which needs the GIL


def run(size: str = "800x1365", *, quick: bool) -> Threads:
    scenes = [coco_like(100, SIZES[size], seed) for seed in SEEDS[:2]]
    calls = 50 if quick else 200
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    encode, dicts = [], []
    for _ in range(5 if quick else 21):
        for way, samples in ((to_batch, encode), (native_way, dicts)):
            one = _wall(way, scenes[:1], calls)
            two = _wall(way, scenes, calls)
            samples.append(2 * one / two)
    return Threads(size, os.cpu_count() or 1, load, spread(encode), spread(dicts))


def _wall(way: Callable[[Workload], object], scenes: list[Workload], calls: int) -> float:
    """Seconds until every thread, one a scene, has made its calls."""
    start = threading.Barrier(len(scenes) + 1)

    def work_off(work: Workload) -> None:
        start.wait()
        for _ in range(calls):
            way(work)

    workers = [threading.Thread(target=work_off, args=(work,)) for work in scenes]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    return time.perf_counter() - begin
