"""How far apart the paste conventions are: mean IoU of their masks, on COCO-like scenes.

    python benchmarks/conventions.py

prints what README.md says of them.
"""

from __future__ import annotations

import numpy as np

import maskrle
from maskrle.benchmark.workload import SEEDS, coco_like
from maskrle.reference import PASTES

IMAGE_SIZE = (480, 640)
COUNT = 100


def mean_iou(paste: str, other: str) -> float:
    """Over all masks that are not empty by both; 1 is the same pixels."""
    ious = []
    for seed in SEEDS:
        work = coco_like(COUNT, IMAGE_SIZE, seed)
        one, two = (
            maskrle.encode(work.masks, work.boxes, IMAGE_SIZE, work.channels, paste=name).to_masks()
            for name in (paste, other)
        )
        both = (one & two).sum(axis=(1, 2), dtype=np.int64)
        either = (one | two).sum(axis=(1, 2), dtype=np.int64)
        ious += (both[either > 0] / either[either > 0]).tolist()
    return float(np.mean(ious))


def main() -> None:
    for paste in PASTES:
        print(f"{paste:12s} {mean_iou(paste, PASTES[0]):.3f}")


if __name__ == "__main__":
    main()
