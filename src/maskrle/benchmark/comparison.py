"""The native path against the numpy twin and the peers that are installed, within given seconds."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .timing import Spread, no_collection, seconds, spread, sweep
from .verdict import Verdict, compare
from .ways import Rles, accuracy_checker_way, native_way, reference_way, rlemasklib_way
from .workload import SEEDS, Workload, coco_like

__all__ = ["COUNT", "WAYS", "Comparison", "Row", "Way", "absent", "compared"]

COUNT = 30
"""Detections in each scene: few enough for the slowest way at the largest size."""
_ROUNDS = 40


class Way(NamedTuple):
    """One way to do this work."""

    name: str
    what: str
    encode: Callable[[Workload], Rles]
    packages: tuple[str, ...] = ()  # modules that it needs

    @property
    def missing(self) -> list[str]:
        """Those that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


WAYS = (
    Way("maskrle", "this package", native_way),
    Way("rlemasklib", "cv2.resize in the box, rlemasklib", rlemasklib_way, ("cv2", "rlemasklib")),
    Way(
        "accuracy_checker",
        "cv2.resize, whole image, pycocotools",
        accuracy_checker_way,
        ("cv2", "pycocotools"),
    ),
    Way("numpy", "maskrle.reference, whole image", reference_way),
)


class Row(NamedTuple):
    """What one way takes for masks of one image size."""

    way: Way
    verdict: Verdict
    time: Spread | None  # microseconds a mask; None where it does other work than ours
    ratio: Spread | None  # to ours, within rounds


class Comparison(NamedTuple):
    """Of all ways that are installed, for one image size."""

    rows: list[Row]
    turn: float  # seconds of a round, in which each way has its turn


def compared(image_size: tuple[int, int], allowed: float) -> Comparison:
    """All installed ways, in about so many seconds: each is verified, then all take turns.

    Every way gets one round, however long that takes. One thread, CPU time, masks not in the cache.

    Raises:
        RuntimeError: the native path and the numpy twin differ.
    """
    ends = time.monotonic() + allowed
    _single_thread()
    ways = [way for way in WAYS if not way.missing]
    scenes: list[tuple[Workload, Rles]] = []
    for work in (coco_like(COUNT, image_size, seed) for seed in SEEDS):
        scenes.append((work, reference_way(work)))
        if time.monotonic() > ends - 0.7 * allowed:
            break
    verdicts = {
        way.name: _verified(way, scenes if way.encode is not reference_way else scenes[:1]) for way in ways
    }
    fit = [way for way in ways if verdicts[way.name].fit]
    samples, turn = _rounds(fit, [work for work, _ in scenes], ends)
    ours = samples[WAYS[0].name]
    rows = []
    for way in ways:
        times = samples.get(way.name, {})
        ratios = [taken / ours[number] for number, taken in times.items()]
        measured = (spread(list(times.values())), spread(ratios)) if times else (None, None)
        rows.append(Row(way, verdicts[way.name], *measured))
    return Comparison(rows, turn)


def _verified(way: Way, scenes: list[tuple[Workload, Rles]]) -> Verdict:
    """A way's masks against those of the numpy twin."""
    found = Verdict(0, 0, 0, 0, 0)
    for work, expected in scenes:
        found = found.plus(compare(way.encode(work), expected))
    if way == WAYS[0] and found.differing_masks:
        raise RuntimeError(f"the native path and maskrle.reference differ, please report this: {found}")
    return found


def _rounds(
    ways: list[Way], scenes: list[Workload], ends: float
) -> tuple[dict[str, dict[int, float]], float]:
    """Microseconds a mask of each way, by round: in a round all take their turn on the same scene.

    Also the seconds of the first round.
    """
    samples: dict[str, dict[int, float]] = {way.name: {} for way in ways}
    lasted: dict[str, float] = {}
    warming = coco_like(2, scenes[0].image_size, seed=0)
    order = np.random.default_rng(0)
    turn = 0.0
    with no_collection():
        for number in range(_ROUNDS):
            work = scenes[number % len(scenes)]
            for at in order.permutation(len(ways)):
                way = ways[at]
                begun = time.monotonic()
                if number and begun + lasted[way.name] > ends:
                    continue  # ours is quick: it takes part in every round that another does
                sweep()
                way.encode(warming)  # its code is in the cache, as it is in a server; the masks are not
                taken = _timed(way, work)
                samples[way.name][number] = taken / COUNT * 1e6
                lasted[way.name] = time.monotonic() - begun
            turn = turn or sum(lasted.values())
    ours = samples[WAYS[0].name]
    return {name: {n: found[n] for n in found if n in ours} for name, found in samples.items()}, turn


def _timed(way: Way, work: Workload) -> float:
    return seconds(lambda: way.encode(work))[0]


def _single_thread() -> None:
    """OpenCV, where it is installed, starts no threads of its own."""
    if importlib.util.find_spec("cv2") is not None:
        importlib.import_module("cv2").setNumThreads(1)


def absent() -> Iterator[tuple[Way, str]]:
    """The ways that cannot take part here, and why."""
    for way in WAYS:
        if way.missing:
            yield way, f"{', '.join(way.missing)} not installed"
