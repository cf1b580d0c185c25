"""What post-processing costs a server, by how long inference takes.

A core that spends T milliseconds on an image's inference and P on its post-processing gives 1000 / (T + P)
images a second: P / (T + P) of its throughput goes to post-processing. T is a core's time; where all C cores
infer one image together within t milliseconds, it is C x t.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline import IMAGE, Pipeline
from speed import FLOOR, Speed
from throughput import Throughput

COUNT = 100
INFERENCE = (10, 50, 200, 1000)  # milliseconds of a core
PUBLISHED = "mask_rcnn_inception_resnet_v2_atrous_coco"
PUBLISHED_GIGAFLOPS = 675.314  # an image of 800 x 1365, as Open Model Zoo's documentation states


class Cost(NamedTuple):
    """Of one way, for images of one size with COUNT detections."""

    name: str
    milliseconds: float  # of post-processing an image

    def share(self, inference: float) -> float:
        """Of a core's throughput, if it infers so many milliseconds an image."""
        return self.milliseconds / (inference + self.milliseconds)


class Check(NamedTuple):
    """Throughput lost against maskrle: by this formula, and in a pipeline."""

    milliseconds: int  # of inference an image, all cores together
    name: str
    predicted: float
    measured: float


def costs(speed: list[Speed]) -> dict[str, list[Cost]]:
    """By image size: each way that was measured, one thread."""
    return {
        one.size: [
            Cost(row.name, row.per_mask.median * COUNT / 1e3)
            for row in one.rows
            if row.per_mask is not None and row.name != FLOOR
        ]
        for one in speed
        if one.count == COUNT and one.single_thread
    }


def published_inference(throughput: Throughput) -> float:
    """Milliseconds of a core for an image: an estimate, from operations and those a second."""
    return 1e3 * PUBLISHED_GIGAFLOPS / throughput.each


def checks(speed: list[Speed], pipelines: list[Pipeline], cores: int) -> list[Check]:
    """The formula against pipelines whose images and detections are those of a measured size."""
    by_size = costs(speed)
    size = f"{IMAGE[0]}x{IMAGE[1]}"
    if size not in by_size:
        return []
    alone = {cost.name: cost.milliseconds for cost in by_size[size]}
    ours = by_size[size][0].milliseconds
    found = []
    for one in pipelines:
        rates = {row.name: row.rate.median for row in one.rows if row.rate is not None}
        for name, rate in rates.items():
            if name in alone and name != "maskrle":
                taken = 1e3 * cores / rates["maskrle"]
                predicted = 1 - taken / (taken + alone[name] - ours)
                found.append(Check(one.milliseconds, name, predicted, 1 - rate / rates["maskrle"]))
    return found
