"""Time per mask of every contestant and of the floor, in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from contestants import Contestant, Way, contestants, own_convention, truth, use_threads
from floor import Floor, FloorUnavailable, make_cold

from maskrle.benchmark.timing import Spread, no_collection, seconds, spread
from maskrle.benchmark.verdict import Verdict, compare
from maskrle.benchmark.ways import Rles
from maskrle.benchmark.workload import SEEDS, SIZES, Workload, coco_like

COUNTS = (1, 10, 100, 300)
FLOOR = "floor"
_FLOOR_REPEATS = 5
_FEW = 20  # where masks differ: decoding them takes its time
_ROUNDS = 42
_ALLOWED = 1.5  # seconds of each way in all rounds, but three rounds at least


class Row(NamedTuple):
    name: str
    what: str
    absent: str  # why, or empty
    verdict: Verdict | None  # against accuracy_checker
    own_verdict: Verdict | None  # against maskrle with the convention that it follows, if it is another
    known: str  # why single pixels differ from its convention, where they do
    per_mask: Spread | None  # microseconds
    over_floor: Spread | None  # time / floor
    against_maskrle: Spread | None  # time / maskrle's best


class Speed(NamedTuple):
    """All ways with scenes of one image size and number of masks."""

    size: str
    count: int
    single_thread: bool  # else libraries take threads as they do by themselves, and the wall clock counts
    checked_against: str
    cold: str  # how the masks were made cold
    rows: list[Row]

    def row(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)


class _Runner(NamedTuple):
    contestant: Contestant
    way: Way
    verdict: Verdict
    own_verdict: Verdict | None
    every: int  # takes part in every so many rounds


def run(size: str, count: int, *, single_thread: bool = True, quick: bool = False) -> Speed:
    use_threads(single=single_thread)
    clock = time.thread_time_ns if single_thread else time.perf_counter_ns
    scenes = [coco_like(count, SIZES[size], seed) for seed in SEEDS]
    checked_against, truth_way = truth()
    expected = [list(truth_way(work)) for work in scenes]
    absent = {c.name: c.absent(scenes[0]) for c in contestants()}
    runners = [_runner(c, scenes, expected, quick) for c in contestants() if not absent[c.name]]
    floors, no_floor = _floors(scenes, expected) if single_thread else ([], "measured in one thread")
    samples = _rounds(runners, scenes, floors, clock, quick)
    use_threads(single=True)

    best = runners[0].contestant.name
    found = {runner.contestant.name: runner for runner in runners}
    what = "gathers the channels, writes known runs, makes the dicts, in C"
    rows = [Row(FLOOR, what, no_floor, None, None, "", *_figures(samples, FLOOR, best))]
    for contestant in contestants():
        name = contestant.name
        verdicts = (found[name].verdict, found[name].own_verdict) if name in found else (None, None)
        figures = _figures(samples, name, best)
        rows.append(Row(name, contestant.what, absent[name], *verdicts, contestant.known, *figures))
    return Speed(size, count, single_thread, checked_against, make_cold(scenes[0]), rows)


def verified(
    contestant: Contestant, scenes: list[Workload], results: list[Rles], expected: list[Rles]
) -> tuple[Verdict, Verdict | None]:
    """What a way's results are against the expected, and against ours with its own convention.

    Raises:
        RuntimeError: it does other work than ours.
    """
    if contestant.paste == "omz":
        verdict = compare(results[0], expected[0])
        for result, rles in zip(results[1:], expected[1:], strict=True):
            verdict = verdict.plus(compare(result, rles))
        if not verdict.fit or (verdict.differing_masks and contestant.is_ours):
            raise RuntimeError(f"{contestant.name} does other work than {truth()[0]}: {verdict}")
        return verdict, None
    return compare(results[0][:_FEW], expected[0][:_FEW]), own_convention(contestant, results[0], scenes[0])


def _runner(contestant: Contestant, scenes: list[Workload], expected: list[Rles], quick: bool) -> _Runner:
    way = contestant.make()
    contestant.prepare()
    way(scenes[0].subset(np.arange(1)))  # what a first call loads and compiles
    begun = time.perf_counter()
    results = [list(way(scenes[0]))]
    taken = time.perf_counter() - begun
    allowed = _ALLOWED / (6 if quick else 1)
    if taken < allowed:
        results += [list(way(work)) for work in scenes[1:]]
    verdicts = verified(contestant, scenes[: len(results)], results, expected[: len(results)])
    rounds = min(max(int(allowed / (taken * contestant.repeats)), 3), _rounds_of(quick))
    if contestant.is_ours:  # ratios are to it
        rounds = _rounds_of(quick)
    return _Runner(contestant, way, *verdicts, every=_rounds_of(quick) // rounds)


def _rounds_of(quick: bool) -> int:
    return 6 if quick else _ROUNDS


def _floors(scenes: list[Workload], expected: list[Rles]) -> tuple[list[Floor], str]:
    try:
        floors = [Floor(work, rles) for work, rles in zip(scenes, expected, strict=True)]
    except FloorUnavailable as error:
        return [], str(error)
    assert [floor() for floor in floors] == expected
    return floors, ""


def _rounds(
    runners: list[_Runner],
    scenes: list[Workload],
    floors: list[Floor],
    clock: Callable[[], int],
    quick: bool,
) -> dict[str, dict[int, float]]:
    """Microseconds a mask of each, by round: in every round all take their turn on the same scene."""
    samples: dict[str, dict[int, float]] = {FLOOR: {}} | {r.contestant.name: {} for r in runners}
    order = np.random.default_rng(0)
    with no_collection():
        for number in range(_rounds_of(quick)):
            at = number % len(scenes)
            turns = [None, *runners] if floors else list(runners)
            for turn in order.permutation(len(turns)):
                runner = turns[turn]
                if runner is None:
                    samples[FLOOR][number] = _visit(
                        lambda _, at=at: floors[at](), scenes[at], _FLOOR_REPEATS, clock
                    )
                elif number % runner.every == 0:  # slow ones take part now and then, all along the run
                    runner.contestant.prepare()
                    name, repeats = runner.contestant.name, runner.contestant.repeats
                    samples[name][number] = _visit(runner.way, scenes[at], repeats, clock)
    return samples


def _visit(way: Way, work: Workload, repeats: int, clock: Callable[[], int]) -> float:
    times = []
    for _ in range(repeats):
        make_cold(work)
        times.append(seconds(lambda: way(work), clock)[0])
    return float(np.median(times)) / len(work.boxes) * 1e6


def _figures(
    samples: dict[str, dict[int, float]], name: str, best: str
) -> tuple[Spread | None, Spread | None, Spread | None]:
    if not samples.get(name):
        return None, None, None
    return spread(list(samples[name].values())), _ratio(samples, name, FLOOR), _ratio(samples, name, best)


def _ratio(samples: dict[str, dict[int, float]], name: str, to: str) -> Spread | None:
    ratios = [taken / samples[to][number] for number, taken in samples[name].items() if number in samples[to]]
    return spread(ratios) if ratios else None
