"""What share of bare inference a whole pipeline keeps, with three kinds of post-processing.

    python benchmarks/pipeline.py [--out DIR] [--rounds N] [--seconds S]

Networks of contract omz-tf, 800 x 1365: convolutions as ballast, as many as make bare inference take 100 and
20 milliseconds an image on this machine; they answer each image with the 100 COCO-like detections of 90
classes of `workload.py`, whose masks are computed anew each time.

*Bare* is OpenVINO alone: a prepared input tensor, an AsyncInferQueue of 1 to 4 requests (the best number,
found beforehand), nothing done with the outputs. The pipelines are `Segmenter.stream` over images in memory
(480 x 640, BGR), compiled with the same properties: with maskrle's own post-processing, with numpy's
(`maskrle.reference`) and with accuracy_checker's (OpenCV and pycocotools). In each round all take turns in an
order drawn anew; shares are taken within a round, and the median of rounds is reported with the middle half.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
from ballast import network
from contestants import accuracy_checker_way
from measure import Spread, spread
from numpy.typing import NDArray
from report import machine
from workload import Workload

import maskrle.segmenter
from maskrle import RLEBatch, Segmenter, Timings

NETWORK = (800, 1365)
IMAGE = (480, 640)
TARGETS = {100: 0.97, 20: 0.85}
THROUGHPUT = {"PERFORMANCE_HINT": "THROUGHPUT"}
CONFIG = {**THROUGHPUT, "INFERENCE_PRECISION_HINT": "f32"}  # as a Segmenter does by itself
Encode = Callable[..., RLEBatch]


def bare(compiled: ov.CompiledModel, requests: int, seconds: float) -> float:
    """Images a second of OpenVINO alone."""
    tensor = ov.Tensor(np.random.default_rng(0).random((1, 3, *NETWORK), np.float32))
    queue = ov.AsyncInferQueue(compiled, requests)
    for request in queue:
        request.set_input_tensor(tensor)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds or done < 2 * requests:
        queue.start_async()
        done += 1
    queue.wait_all()
    return done / (time.perf_counter() - begun)


def calibrated(milliseconds: float) -> int:
    """Convolutions that make bare inference take so long an image."""
    few, many = 1, 17
    taken = []
    for count in (few, many):
        compiled = ov.compile_model(network(NETWORK, 100, count), "CPU", CONFIG)
        taken.append(1e3 / max(bare(compiled, 3, 1.2) for _ in range(3)))
    each = (taken[1] - taken[0]) / (many - few)
    return max(few + round((milliseconds - taken[0]) / each), few)


def accuracy_checker(
    masks: NDArray[np.float32],
    boxes: NDArray[np.float32],
    image_size: tuple[int, int],
    channels: NDArray[np.int64],
    *,
    paste: str,
) -> RLEBatch:
    return RLEBatch.from_dicts(accuracy_checker_way(Workload(masks, boxes, channels, image_size)), image_size)


WAYS: dict[str, Encode] = {
    "maskrle": maskrle.encode,
    "numpy": maskrle.reference.encode,
    "accuracy_checker": accuracy_checker,
}


def pipeline(segmenter: Segmenter, encode: Encode, seconds: float) -> tuple[float, Timings]:
    """Images a second of a stream, and seconds an image of each stage."""
    maskrle.segmenter.encode = encode
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
        assert result.instances is not None
        assert len(result.instances) == 100
        times.append(result.timings)
    elapsed = time.perf_counter() - begun
    return len(times) / elapsed, Timings(*np.mean(np.array(times), axis=0).tolist())


def measured(milliseconds: int, rounds: int, seconds: float) -> dict[str, Any]:
    layers = calibrated(milliseconds)
    model = network(NETWORK, 100, layers)
    compiled = ov.compile_model(model, "CPU", CONFIG)
    segmenter = Segmenter(model, config=THROUGHPUT)
    check(segmenter)
    # The best number of requests, once: the best of several short runs in each round would be luck as well.
    trials = {count: [bare(compiled, count, 1.2) for _ in range(3)] for count in (1, 2, 3, 4)}
    requests = max(trials, key=lambda count: float(np.median(trials[count])))
    order = np.random.default_rng(milliseconds)
    rates: dict[str, list[float]] = {name: [] for name in ("bare", *WAYS)}
    stages: dict[str, list[Timings]] = {name: [] for name in WAYS}
    for number in range(rounds + 1):
        found: dict[str, float] = {}
        for name in order.permutation(list(rates)).tolist():
            if name == "bare":
                found[name] = bare(compiled, requests, seconds)
            else:
                found[name], timings = pipeline(segmenter, WAYS[name], seconds)
                if number:
                    stages[name].append(timings)
        if number:  # the first round warms up
            for name, rate in found.items():
                rates[name].append(rate)
    maskrle.segmenter.encode = maskrle.encode
    return {
        "milliseconds": milliseconds,
        "layers": layers,
        "requests": requests,
        "workers": compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1,
        "streams": compiled.get_property("NUM_STREAMS"),
        "bare": spread(rates["bare"])._asdict(),
        "rate": {name: spread(rates[name])._asdict() for name in WAYS},
        "share": {name: spread((np.array(rates[name]) / rates["bare"]).tolist())._asdict() for name in WAYS},
        "stages": {
            name: Timings(*np.median(np.array(stages[name]), axis=0).tolist())._asdict() for name in WAYS
        },
    }


def check(segmenter: Segmenter) -> None:
    """All ways give the same strings."""
    image = np.zeros((*IMAGE, 3), np.uint8)
    results = []
    for encode in WAYS.values():
        maskrle.segmenter.encode = encode
        results.append(segmenter(image))
    assert all(result == results[0] for result in results)


def markdown(results: dict[str, Any]) -> str:
    lines = ["# A pipeline's throughput as a share of bare inference", "", f"{results['about']}", ""]
    for one in results["networks"]:
        rate = Spread(**one["bare"])
        lines += [
            f"## {one['milliseconds']} ms an image",
            "",
            f"{one['layers']} convolutions, {one['streams']} streams, {one['workers']} workers; "
            f"bare inference, with {one['requests']} requests: {rate} images/s. "
            f"Aimed at: {TARGETS[one['milliseconds']]}.",
            "",
            "| post-processing by | images/s | of bare | read | preprocess | inference | post | its share |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for name in WAYS:
            stages = one["stages"][name]
            times = " | ".join(f"{1e3 * seconds:.2f} ms" for seconds in stages.values())
            part = stages["postprocess"] / sum(stages.values())
            rate, share = Spread(**one["rate"][name]), Spread(**one["share"][name])
            bounds = f"{share.median:.3f} ({share.low:.3f}-{share.high:.3f})"
            lines.append(f"| {name} | {rate} | **{bounds}** | {times} | {part:.1%} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4, help="of each way in each round")
    parser.add_argument("--milliseconds", type=int, nargs="+", default=list(TARGETS))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # as `maskrle predict`: workers are threads enough
    before = os.getloadavg()[0]
    networks = [measured(each, arguments.rounds, arguments.seconds) for each in arguments.milliseconds]
    about = (
        f"Medians of {arguments.rounds} rounds and the middle half. Machine: {machine()['cpu']}, "
        f"{os.cpu_count()} cores, shared with others: load {before:.1f} before the run. "
        f"Images of {IMAGE[0]}x{IMAGE[1]} in memory. Times of stages are wall time of a worker."
    )
    results = {"about": about, "machine": machine(), "networks": networks}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "pipeline.json").write_text(json.dumps(results, indent=1) + "\n")
    (arguments.out / "pipeline.md").write_text(markdown(results))
    print(markdown(results))


if __name__ == "__main__":
    main()
