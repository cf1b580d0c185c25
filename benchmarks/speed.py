"""Time per mask of every contestant and of the floor at N=100, in interleaved rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from contestants import Contestant, Rles, Way, contestants
from floor import Floor, FloorUnavailable, make_cold
from measure import Spread, no_collection, seconds, spread
from verify import Verdict, own_convention, truth, verify
from workload import SEEDS, SIZES, Workload, coco_like

COUNT = 100
FLOOR = "floor"
_FLOOR_REPEATS = 5
_FEW = np.arange(20)  # where masks differ: decoding them takes its time


class Row(NamedTuple):
    name: str
    what: str
    absent: str  # why, or empty
    verdict: str
    own_verdict: str  # against maskrle with the contestant's own convention, or empty
    per_mask: Spread | None  # microseconds
    over_floor: Spread | None  # time / floor
    against_maskrle: Spread | None  # time / maskrle's best


class SizeResult(NamedTuple):
    size: str
    checked_against: str
    cold: str  # how the masks were made cold
    rows: list[Row]


class _Runner(NamedTuple):
    contestant: Contestant
    way: Way
    verdict: Verdict
    own: Verdict | None


def run(size: str, *, quick: bool) -> SizeResult:
    scenes = [coco_like(COUNT, SIZES[size], seed) for seed in SEEDS]
    checked_against, truth_way = truth()
    expected = [list(truth_way(work)) for work in scenes]
    runners: list[_Runner] = []
    rows: dict[str, Row] = {}
    for contestant in contestants():
        if contestant.missing:
            absent = f"{', '.join(contestant.missing)} not installed"
            rows[contestant.name] = Row(contestant.name, contestant.what, absent, "", "", None, None, None)
            continue
        way = contestant.make()
        contestant.prepare()
        verdict = _verify(contestant, way, scenes, expected)
        runners.append(
            _Runner(contestant, way, verdict, own_convention(contestant, way, scenes[0].subset(_FEW)))
        )

    best = runners[0].contestant.name
    floors, no_floor = _floors(runners[0], scenes)
    samples = _rounds(runners, scenes, floors, quick=quick)
    for runner in runners:
        contestant = runner.contestant
        rows[contestant.name] = Row(
            contestant.name,
            contestant.what,
            "",
            str(runner.verdict),
            str(runner.own or ""),
            spread(list(samples[contestant.name].values())),
            _ratio(samples, contestant.name, FLOOR),
            _ratio(samples, contestant.name, best),
        )
    floor_time = spread(list(samples[FLOOR].values())) if floors else None
    what = "gather the channels, write known runs, make the dicts, in C"
    over = _ratio(samples, FLOOR, FLOOR)
    floor_row = Row(FLOOR, what, no_floor, "same strings", "", floor_time, over, _ratio(samples, FLOOR, best))
    ordered = [floor_row, *(rows[c.name] for c in contestants())]
    return SizeResult(size, checked_against, make_cold(scenes[0]), ordered)


def _verify(contestant: Contestant, way: Way, scenes: list[Workload], expected: list[Rles]) -> Verdict:
    if contestant.paste != "omz":
        return verify(way, scenes[0].subset(_FEW), expected[0][: len(_FEW)])
    verdict = verify(way, scenes[0], expected[0])
    if not contestant.is_slow:
        for work, rles in zip(scenes[1:], expected[1:], strict=True):
            verdict = verdict.plus(verify(way, work, rles))
    return verdict


def _floors(best: _Runner, scenes: list[Workload]) -> tuple[list[Floor], str]:
    best.contestant.prepare()
    try:
        floors = []
        for work in scenes:
            rles = list(best.way(work))
            floors.append(Floor(work, rles))
            assert floors[-1]() == rles
        return floors, ""
    except FloorUnavailable as error:
        return [], str(error)


def _rounds(
    runners: list[_Runner], scenes: list[Workload], floors: list[Floor], *, quick: bool
) -> dict[str, dict[int, float]]:
    """Microseconds a mask of each, by round: in every round all take their turn on the same scene."""
    rounds = 6 if quick else 60
    every = 6 if quick else 8  # slow ones take part now and then, all along the run
    samples: dict[str, dict[int, float]] = {FLOOR: {}} | {r.contestant.name: {} for r in runners}
    order = np.random.default_rng(0)
    with no_collection():
        for number in range(rounds):
            work = scenes[number % len(scenes)]
            turns = [None, *runners] if floors else list(runners)
            for turn in order.permutation(len(turns)):
                runner = turns[turn]
                if runner is None:
                    floor = floors[number % len(scenes)]
                    samples[FLOOR][number] = _visit(lambda _, floor=floor: floor(), work, _FLOOR_REPEATS)
                elif not runner.contestant.is_slow or number % every == 0:
                    runner.contestant.prepare()
                    name, repeats = runner.contestant.name, runner.contestant.repeats
                    samples[name][number] = _visit(runner.way, work, repeats)
    return samples


def _visit(way: Way, work: Workload, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        make_cold(work)
        times.append(seconds(lambda: way(work))[0])
    return float(np.median(times)) / COUNT * 1e6


def _ratio(samples: dict[str, dict[int, float]], name: str, to: str) -> Spread | None:
    ratios = [time / samples[to][number] for number, time in samples[name].items() if number in samples[to]]
    return spread(ratios) if ratios else None
