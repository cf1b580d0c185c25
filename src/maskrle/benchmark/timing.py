"""Timing: CPU time of the calling thread, so that others on the machine disturb little."""

from __future__ import annotations

import functools
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["SWEEP_BYTES", "Spread", "brief", "no_collection", "seconds", "spread", "sweep"]

T = TypeVar("T")
SWEEP_BYTES = 128 << 20
"""More than caches hold."""


class Spread(NamedTuple):
    """Median and the middle half of some samples."""

    median: float
    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return f"{brief(self.median)} ({brief(self.low)}-{brief(self.high)})"


def spread(samples: Sequence[float]) -> Spread:
    """Of at least one sample."""
    low, median, high = (float(q) for q in np.percentile(samples, [25, 50, 75]))
    return Spread(median, low, high, len(samples))


def brief(value: float) -> str:
    """A number with three figures or so."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def seconds(call: Callable[[], T], clock: Callable[[], int] = time.thread_time_ns) -> tuple[float, T]:
    """Seconds of one call without the clock's own, and the result: freeing it is not timed."""
    begin = clock()
    result = call()
    end = clock()
    return max(end - begin - _cost(clock), 0) / 1e9, result


@functools.cache
def _cost(clock: Callable[[], int]) -> float:
    """Nanoseconds between two readings of the clock."""
    gaps = []
    for _ in range(2000):
        begin = clock()
        gaps.append(clock() - begin)
    return float(np.median(gaps))


def sweep() -> None:
    """Throws out of the caches what they hold."""
    _swept()[::64] += 1


@functools.cache
def _swept() -> NDArray[np.uint8]:
    return np.ones(SWEEP_BYTES, np.uint8)


@contextmanager
def no_collection() -> Iterator[None]:
    """No garbage collection while the clock runs."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
