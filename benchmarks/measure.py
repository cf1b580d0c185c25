"""Timing: CPU time of the calling thread, so that others on the machine disturb little."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import numpy as np

T = TypeVar("T")


class Spread(NamedTuple):
    """Median and the middle half of some samples."""

    median: float
    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return f"{_short(self.median)} ({_short(self.low)}-{_short(self.high)})"


def spread(samples: list[float]) -> Spread:
    low, median, high = (float(q) for q in np.percentile(samples, [25, 50, 75]))
    return Spread(median, low, high, len(samples))


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def seconds(call: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of one call without the clock's own, and the result: freeing it is not timed."""
    begin = time.thread_time_ns()
    result = call()
    end = time.thread_time_ns()
    return max(end - begin - clock_cost(), 0) / 1e9, result


def looped(call: Callable[[], object], times: int) -> float:
    """CPU seconds a call over many calls in a row, freeing results included."""
    begin = time.thread_time_ns()
    for _ in range(times):
        call()
    return (time.thread_time_ns() - begin) / 1e9 / times


_clock: list[float] = []


def clock_cost() -> float:
    """Nanoseconds between two readings of the clock."""
    if not _clock:
        gaps = []
        for _ in range(2000):
            begin = time.thread_time_ns()
            gaps.append(time.thread_time_ns() - begin)
        _clock.append(float(np.median(gaps)))
    return _clock[0]


@contextmanager
def no_collection() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
