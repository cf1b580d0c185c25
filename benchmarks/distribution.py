"""What the workload is like: sizes of boxes, runs and string bytes.

    python benchmarks/distribution.py

prints, for scenes of 100 masks, p10 / p50 / p90 / largest of each, and means.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import maskrle
from maskrle.benchmark.workload import SIZES, coco_like


class Distribution(NamedTuple):
    """p10, p50, p90 and the largest of each; means of runs and of string bytes."""

    widths: tuple[float, ...]
    heights: tuple[float, ...]
    runs: tuple[float, ...]
    mean_runs: float
    mean_bytes: float
    columns_with_several_runs: float  # part of all columns that are not empty


def distribution(boxes: NDArray[np.float32], rles: list[dict[str, object]]) -> Distribution:
    runs = [run_lengths(bytes(rle["counts"])) for rle in rles]  # type: ignore[arg-type]
    counts = np.array([len(r) for r in runs])
    several = filled = 0
    for rle, lengths in zip(rles, runs, strict=True):
        starts = np.cumsum(lengths)[:-1:2]  # where runs of ones begin
        per_column = np.bincount(starts // rle["size"][0])  # type: ignore[index]
        several += int((per_column > 1).sum())
        filled += int((per_column > 0).sum())
    extent = boxes[:, 2:] - boxes[:, :2]
    return Distribution(
        _quantiles(extent[:, 0]),
        _quantiles(extent[:, 1]),
        _quantiles(counts),
        float(counts.mean()),
        float(np.mean([len(rle["counts"]) for rle in rles])),  # type: ignore[arg-type]
        several / max(filled, 1),
    )


def run_lengths(string: bytes) -> NDArray[np.int64]:
    """COCO's compressed string -> run lengths."""
    runs: list[int] = []
    value = shift = 0
    for character in string:
        group = character - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    return np.array(runs, np.int64)


def _quantiles(values: NDArray[np.generic]) -> tuple[float, ...]:
    return tuple(float(q) for q in np.percentile(values, [10, 50, 90, 100]))


def main() -> None:
    for name, image_size in SIZES.items():
        work = coco_like(100, image_size)
        rles = list(maskrle.encode(work.masks, work.boxes, image_size, work.channels))
        print(name)
        for field, value in distribution(work.boxes, rles)._asdict().items():
            text = " / ".join(f"{v:.0f}" for v in value) if isinstance(value, tuple) else f"{value:.2f}"
            print(f"  {field:26s} {text}")


if __name__ == "__main__":
    main()
