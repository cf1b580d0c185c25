"""Cost of a mask against the size of the image, boxes growing with it: 480p to 16K."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from contestants import BASELINE, Contestant, available_bytes, contestants
from distribution import run_lengths
from floor import make_cold

from maskrle.benchmark.timing import Spread, no_collection, seconds, spread
from maskrle.benchmark.ways import Rles, native_way
from maskrle.benchmark.workload import Workload, coco_like

SIZES = ((480, 640), (720, 1280), (1080, 1920), (2160, 3840), (4320, 7680), (8640, 15360))
COUNT = 10
_BYTES_PER_PIXEL = 12  # that accuracy_checker's way holds at once: floats, bools, the image and its copies


class Point(NamedTuple):
    size: str
    pixels: int
    mean_runs: float
    maskrle: Spread  # microseconds a mask
    baseline: Spread | None
    absent: str  # why the baseline is not measured, or empty


class _Size(NamedTuple):
    work: Workload
    rles: Rles
    absent: str
    mine: list[float]  # microseconds a mask
    theirs: list[float]


def run(*, quick: bool) -> list[Point]:
    baseline = next(c for c in contestants() if c.name == BASELINE)
    sizes = [_prepare(image_size, baseline) for image_size in SIZES]
    with no_collection():
        for number in range(3 if quick else 10):  # interleaved, so that all sizes see the same machine
            for size in sizes:
                slow = size.work.image_size[0] > 4000
                if not size.absent and number < (1 if quick or slow else 3):
                    way = baseline.make()
                    time, result = seconds(lambda size=size, way=way: way(size.work))
                    size.theirs.append(time / COUNT * 1e6)
                    assert result == size.rles
                for _ in range(20):
                    make_cold(size.work)
                    time, _ = seconds(lambda size=size: native_way(size.work))
                    size.mine.append(time / COUNT * 1e6)
    return [_point(size) for size in sizes]


def _prepare(image_size: tuple[int, int], baseline: Contestant) -> _Size:
    work = coco_like(100, image_size).representative(COUNT)
    needed = image_size[0] * image_size[1] * _BYTES_PER_PIXEL
    absent = f"{', '.join(baseline.missing)} not installed" if baseline.missing else ""
    if not absent and needed > 0.5 * available_bytes():
        absent = f"would need about {needed / 2**30:.1f} GB"
    return _Size(work, native_way(work), absent, [], [])


def _point(size: _Size) -> Point:
    height, width = size.work.image_size
    mean_runs = float(np.mean([len(run_lengths(rle["counts"])) for rle in size.rles]))
    theirs = spread(size.theirs) if size.theirs else None
    return Point(f"{height}x{width}", height * width, mean_runs, spread(size.mine), theirs, size.absent)
