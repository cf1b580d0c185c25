"""What share of bare inference a whole pipeline keeps, with each kind of post-processing.

Networks of contract omz-tf, 800 x 1365: convolutions as ballast, as many as make bare inference take 100 and
20 milliseconds an image on this machine; they answer each image with the 100 COCO-like detections of 90
classes of the workload, whose masks are computed anew each time.

*Bare* is OpenVINO alone: a prepared input tensor, an AsyncInferQueue of 1 to 4 requests (the best number,
found beforehand), nothing done with the outputs. The pipelines are `Segmenter.stream` over images in memory
(480 x 640, BGR), compiled with the same properties, with one way after the other in the place of maskrle's
own post-processing. In each round all take turns in an order drawn anew; shares are taken within a round,
and the median of rounds is reported with the middle half.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import openvino as ov
from ballast import network
from contestants import Contestant, contestants, use_threads
from numpy.typing import NDArray
from throughput import CONFIG, bare

import maskrle.segmenter
from maskrle import RLEBatch, Segmenter, Timings
from maskrle.benchmark.timing import Spread, spread
from maskrle.benchmark.verdict import compare
from maskrle.benchmark.workload import Workload, coco_like

NETWORK = (800, 1365)
IMAGE = (480, 640)
TARGETS = {100: 0.97, 20: 0.85}  # milliseconds of bare inference -> the share that is aimed at
OTHERS = ("rlemasklib", "accuracy_checker", "torch paste", "Model API", "numpy")
_COUNT = 100
Encode = Callable[..., RLEBatch]


class Row(NamedTuple):
    name: str
    absent: str  # why, or empty
    rate: Spread | None  # images a second
    share: Spread | None  # of bare inference
    stages: Timings | None  # seconds of a worker for an image


class Pipeline(NamedTuple):
    """All ways behind one network."""

    milliseconds: int  # of bare inference an image, aimed at
    convolutions: int
    streams: int
    workers: int
    requests: int  # of bare inference
    bare: Spread  # images a second
    rows: list[Row]


def run(milliseconds: int, *, quick: bool) -> Pipeline:
    rounds, lasting = (2, 1.0) if quick else (5, 3.0)
    use_threads(single=True)  # as `maskrle predict`: workers are threads enough
    ways, absent = _ways()
    convolutions = _calibrated(milliseconds)
    model = network(NETWORK, _COUNT, convolutions, IMAGE)
    compiled = ov.compile_model(model, "CPU", CONFIG)
    segmenter = Segmenter(model, config={"PERFORMANCE_HINT": "THROUGHPUT"})
    # The best number of requests, once: the best of several short runs in each round would be luck as well.
    trials = {count: [bare(compiled, count, lasting / 3) for _ in range(3)] for count in (1, 2, 3, 4)}
    requests = max(trials, key=lambda count: float(np.median(trials[count])))
    order = np.random.default_rng(milliseconds)
    rates: dict[str, list[float]] = {name: [] for name in ("bare", *ways)}
    stages: dict[str, list[Timings]] = {name: [] for name in ways}
    try:
        for number in range(rounds + 1):
            found: dict[str, float] = {}
            for name in order.permutation(list(rates)).tolist():
                if name == "bare":
                    found[name] = bare(compiled, requests, lasting)
                else:
                    maskrle.segmenter.encode = ways[name]
                    found[name], timings = _stream(segmenter, lasting)
                    if number:
                        stages[name].append(timings)
            if number:  # the first round warms up
                for name, rate in found.items():
                    rates[name].append(rate)
    finally:
        maskrle.segmenter.encode = maskrle.encode
    rows = [Row(name, reason, None, None, None) for name, reason in absent.items()]
    for name in ways:
        shares = [rate / whole for rate, whole in zip(rates[name], rates["bare"], strict=True)]
        medians = Timings(*np.median(np.array(stages[name]), axis=0).tolist())
        rows.append(Row(name, "", spread(rates[name]), spread(shares), medians))
    rows.sort(key=lambda row: ("maskrle", *OTHERS).index(row.name))
    workers = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1
    streams = compiled.get_property("NUM_STREAMS")
    return Pipeline(milliseconds, convolutions, streams, workers, requests, spread(rates["bare"]), rows)


def _ways() -> tuple[dict[str, Encode], dict[str, str]]:
    """Ways to encode that were found to give the right masks; those that cannot take part, and why."""
    work = coco_like(_COUNT, IMAGE)
    ways: dict[str, Encode] = {"maskrle": maskrle.encode}
    absent = {}
    for contestant in contestants():
        if contestant.name not in OTHERS:
            continue
        if reason := contestant.absent(work):
            absent[contestant.name] = reason
            continue
        ways[contestant.name] = _encode(contestant)
        expected = maskrle.encode(*_arguments(work), paste=contestant.paste)
        verdict = compare(ways[contestant.name](*_arguments(work), paste="omz"), list(expected))
        if not verdict.fit:
            raise RuntimeError(f"{contestant.name} does other work than maskrle: {verdict}")
    return ways, absent


def _arguments(work: Workload) -> tuple[object, ...]:
    return work.masks, work.boxes, work.image_size, work.channels


def _encode(contestant: Contestant) -> Encode:
    way = contestant.make()

    def encode(
        masks: NDArray[np.float32],
        boxes: NDArray[np.float32],
        image_size: tuple[int, int],
        channels: NDArray[np.int64],
        *,
        paste: str,
    ) -> RLEBatch:
        return RLEBatch.from_dicts(way(Workload(masks, boxes, channels, image_size)), image_size)

    return encode


def _calibrated(milliseconds: float) -> int:
    """Convolutions that make bare inference take so long an image."""
    few, many = 1, 17
    taken = []
    for count in (few, many):
        compiled = ov.compile_model(network(NETWORK, _COUNT, count, IMAGE), "CPU", CONFIG)
        taken.append(1e3 / max(bare(compiled, 3, 1.2) for _ in range(3)))
    each = (taken[1] - taken[0]) / (many - few)
    return max(few + round((milliseconds - taken[0]) / each), few)


def _stream(segmenter: Segmenter, seconds: float) -> tuple[float, Timings]:
    """Images a second of a stream, and seconds an image of each stage."""
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (*IMAGE, 3), dtype=np.uint8) for _ in range(8)]
    ends = time.perf_counter() + seconds

    def images() -> Iterator[NDArray[np.uint8]]:
        number = 0
        while time.perf_counter() < ends or number < 8:
            yield pictures[number % len(pictures)]
            number += 1

    times = []
    begun = time.perf_counter()
    for result in segmenter.stream(images()):
        if result.instances is None or len(result.instances) != _COUNT:
            raise RuntimeError(f"expected {_COUNT} instances, got {result.instances}: {result.error}")
        times.append(result.timings)
    elapsed = time.perf_counter() - begun
    return len(times) / elapsed, Timings(*np.mean(np.array(times), axis=0).tolist())
