"""Each way by itself under pytest-benchmark: every number of masks, every image size.

    pytest benchmarks/test_ways.py --benchmark-only -k "100masks and 800x1365" --benchmark-autosave

For work on one way: choosing cases, keeping runs and comparing with them, profiles. Ways are verified
before the clock runs, as in the report. Ratios between ways are the report's (`run.py`), as one case after
the other says little about ratios on a busy machine.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest
from contestants import Contestant, contestants, truth, use_threads
from floor import make_cold
from speed import COUNTS, verified

from maskrle.benchmark.ways import Rles
from maskrle.benchmark.workload import SIZES, Workload, coco_like

_SECONDS = 1.0  # of each case, about


@functools.lru_cache(maxsize=1)
def scene(size: str, count: int) -> tuple[Workload, Rles]:
    work = coco_like(count, SIZES[size])
    return work, list(truth()[1](work))


@pytest.mark.parametrize("contestant", contestants(), ids=lambda one: one.name)
@pytest.mark.parametrize("count", COUNTS, ids=lambda count: f"{count}masks")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.benchmark(timer=time.thread_time, disable_gc=True, warmup=False)
def test_way(benchmark: Any, size: str, count: int, contestant: Contestant) -> None:
    work, expected = scene(size, count)
    if reason := contestant.absent(work):
        pytest.skip(f"absent: {reason}")
    use_threads(single=True)
    contestant.prepare()
    way = contestant.make()
    begun = time.perf_counter()
    result = list(way(work))
    taken = time.perf_counter() - begun
    verdict, own = verified(contestant, [work], [result], [expected])
    benchmark.group = f"{size}, N={count}"
    benchmark.extra_info.update(masks=count, verdict=str(own or verdict), known=contestant.known)

    def setup() -> tuple[tuple[Workload], dict[str, object]]:
        make_cold(work)
        return (work,), {}

    rounds = min(max(int(_SECONDS / taken), 3), 100)
    timed = benchmark.pedantic(way, setup=setup, rounds=rounds, iterations=1)
    assert list(timed) == result
