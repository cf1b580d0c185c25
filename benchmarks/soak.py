"""Long runs with flat memory: 20,000 images through `Segmenter.stream`, 1,000,000 calls of `encode`.

    python benchmarks/soak.py [--images N] [--calls N]

A quick network answers pictures of 96 x 128 with ten detections each; one picture in a hundred is none.
`encode` gets ten masks in images of 480 x 640. Resident memory is shown as the work goes on; what it grows
by is counted from a tenth of the way, when everything has been allocated once. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ballast import network

import maskrle
from maskrle.benchmark.workload import coco_like

SIZE = (96, 128)
POINTS = 10


def resident() -> float:
    """Megabytes that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def stream(count: int) -> Iterator[None]:
    """An item for each picture that has been through."""
    rng = np.random.default_rng(0)
    pictures: list[Any] = [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(99)]
    pictures.append(np.zeros(3, np.uint8))  # no picture
    segmenter = maskrle.Segmenter(network(SIZE, 10), config={"PERFORMANCE_HINT": "THROUGHPUT"})
    for number, result in enumerate(segmenter.stream(pictures[at % 100] for at in range(count))):
        assert (result.error is not None) == (number % 100 == 99)
        assert result.instances is None or len(result.instances) == 10
        yield


def encode(count: int) -> Iterator[None]:
    """An item for each call."""
    work = coco_like(10, (480, 640))
    for _ in range(count):
        batch = maskrle.encode(work.masks, work.boxes, work.image_size, work.channels)
        assert len(list(batch)) == 10
        yield


def soak(name: str, work: Iterator[None], count: int) -> str:
    curve: list[float] = []
    begun = time.perf_counter()
    for done, _ in enumerate(work, start=1):
        if done % max(count // POINTS, 1) == 0:
            curve.append(resident())
    seconds = time.perf_counter() - begun
    shown = " ".join(f"{megabytes:.1f}" for megabytes in curve)
    return f"| {name} | {count:,} | {seconds:.0f} s | {shown} | {curve[-1] - curve[0]:+.1f} MB |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--calls", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print("| | times | took | MB resident after each tenth | from the first to the last |")
    print("|---|---|---|---|---|")
    print(soak("stream", stream(arguments.images), arguments.images), flush=True)
    print(soak("encode", encode(arguments.calls), arguments.calls), flush=True)


if __name__ == "__main__":
    main()
