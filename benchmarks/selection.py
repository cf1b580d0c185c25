"""Choosing each detection's mask channel inside the network (`select_in_graph=True`): time and memory.

    python benchmarks/selection.py

A network of contract omz-tf that gives N fixed detections and computes their [N, 90, 33, 33] masks anew in
every inference. Both ways take turns on the same picture, after a check that their results are equal. Memory
is what a process of its own holds more after its calls than before, with one call at a time and with four in
parallel: each has output buffers of its own. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as op

from maskrle import Segmenter

SIZE = (800, 1365)
COUNTS = (10, 100)
WAYS = {"all channels leave the network": False, "selected in the graph": True}


def network(count: int) -> ov.Model:
    """`count` detections with boxes of 20 to 300 pixels and round masks."""
    rng = np.random.default_rng(count)
    table = np.zeros((count, 7), np.float32)
    table[:, 1] = rng.integers(1, 91, count)
    table[:, 2] = 0.9
    table[:, 3:5] = rng.uniform(0, 0.7, (count, 2))
    table[:, 5:] = table[:, 3:5] + rng.uniform(20, 300, (count, 2)) / [SIZE[1], SIZE[0]]
    across = np.linspace(-1, 1, 33)
    disc = 1 / (1 + np.exp(8 * (np.hypot(across[:, None], across) - 0.9)))
    masks = np.broadcast_to(disc, (count, 90, 33, 33)) + rng.normal(0, 0.02, (count, 90, 33, 33))

    image = op.parameter([1, 3, *SIZE], np.float32, name="image_tensor")
    pixel = op.slice(image, *(op.constant(np.array(at)) for at in ([0, 0], [1, 1], [1, 1], [2, 3])))
    level = op.reduce_mean(pixel, op.constant(np.array([0, 1, 2, 3])), False)
    # The masks depend on the picture, so that they are computed, not kept.
    scale = op.add(op.multiply(level, op.constant(np.float32(0))), op.constant(np.float32(1)))
    outputs = {
        "reshape_do_2d": op.multiply(op.constant(table), scale),
        "masks": op.multiply(op.constant(masks.astype(np.float32)), scale),
    }
    image.output(0).get_tensor().set_names({"image_tensor"})
    for name, node in outputs.items():
        node.output(0).get_tensor().set_names({name})
    return ov.Model([op.result(node) for node in outputs.values()], [image], "benchmark")


def picture() -> Any:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def time(count: int, calls: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of inference and of post-processing, medians of calls in turn."""
    image, model = picture(), network(count)
    segmenters = {way: Segmenter(model, select_in_graph=selected) for way, selected in WAYS.items()}
    one, other = (segmenter(image) for segmenter in segmenters.values())
    assert one == other
    assert len(one) == count
    taken: dict[str, list[Any]] = {way: [] for way in WAYS}
    for _ in range(calls):
        for way, segmenter in segmenters.items():
            taken[way].append(segmenter.timed(image)[1])
    return {
        way: tuple(
            1e3 * statistics.median(getattr(one, stage) for one in timings)
            for stage in ("inference", "postprocess")
        )
        for way, timings in taken.items()
    }


def memory(count: int, selected: int, threads: int) -> float:
    """What this process holds more after calls than before, MB."""
    segmenter, image = Segmenter(network(count), select_in_graph=bool(selected)), picture()
    before = resident()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(segmenter, [image] * 4 * threads))
    return (resident() - before) / 1e6


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def in_a_process(count: int, selected: bool, threads: int) -> float:
    arguments = ["--memory", str(count), str(int(selected)), str(threads)]
    command = [sys.executable, __file__, *arguments]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--memory", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print(memory(*arguments.memory))
        return
    print("| N | | masks output | inference | post-processing | memory, 1 call | 4 in parallel |")
    print("|---|---|---|---|---|---|---|")
    for count in COUNTS:
        for way, (inference, postprocess) in time(count, arguments.calls).items():
            selected = WAYS[way]
            size = count * (1 if selected else 90) * 33 * 33 * 4 / 1e6
            alone, four = (in_a_process(count, selected, threads) for threads in (1, 4))
            print(
                f"| {count} | {way} | {size:.2f} MB | {inference:.1f} ms | {postprocess:.2f} ms "
                f"| {alone:.0f} MB | {four:.0f} MB |"
            )


if __name__ == "__main__":
    main()
