"""Preprocessing by OpenCV, which is exact, against `preprocess="graph"`: how far apart, and how long.

    python benchmarks/preprocessing.py

On generated scenes and with the embedded network, 800 x 1365: what share of the network's input values
differs and by how much; whether the detections are as many, and the mean IoU of their masks; milliseconds of
preprocessing and inference together, medians of calls in turn, with all threads and with one.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as op

from maskrle import Instances, Segmenter, shapes
from maskrle.binding import Binding, ImageInput
from maskrle.contracts import OMZ_TF
from maskrle.graph import with_preprocessing
from maskrle.preprocess import Preprocessor

NETWORK = (800, 1365)
SIZES = ((480, 640), (800, 1365), (1080, 1920), (2160, 3840))
WAYS = ("opencv", "graph")


def inputs(image: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
    """What the network gets to see, from either way."""
    binding = Binding(OMZ_TF, ImageInput(0, "image", "NCHW", 1, NETWORK, "float32"), None, {})
    usual = Preprocessor(binding, "fit", "bgr")
    parameter = op.parameter([1, 3, *NETWORK], np.float32)
    model = ov.Model([op.result(op.relu(parameter))], [parameter], "input")
    within = Preprocessor(binding, "fit", "bgr", with_preprocessing(model, binding, "bgr"))
    places = [usual.place(image)]
    seen = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(
        within.inputs([image], places, 1)
    )
    return usual.inputs([image], places, 1)[0], seen[0]


def overlap(one: Instances, other: Instances) -> list[float]:
    """IoU of the masks of the same detections."""
    pairs = zip(one.to_masks(), other.to_masks(), strict=True)
    return [float((a & b).sum() / max((a | b).sum(), 1)) for a, b in pairs]


def time(segmenters: dict[str, Segmenter], image: NDArray[np.uint8], calls: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {way: [] for way in segmenters}
    for _ in range(calls):
        for way, segmenter in segmenters.items():
            timings = segmenter.timed(image)[1]
            taken[way].append(1e3 * (timings.preprocess + timings.inference))
    return {way: statistics.median(times) for way, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=10, help="scenes of each size")
    parser.add_argument("--calls", type=int, default=20)
    arguments = parser.parse_args()
    configs: tuple[dict[str, Any], ...] = ({}, {"INFERENCE_NUM_THREADS": 1})
    all_threads, one_thread = (
        {way: Segmenter(shapes.network(), preprocess=way, config=config) for way in WAYS}
        for config in configs
    )
    print("| image | input values that differ | by at most | same detections | mask IoU | opencv | graph |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        shares, most, same, overlaps = [], 0.0, 0, []
        for seed in range(arguments.scenes):
            image, _ = shapes.scene(700_000 + seed, size)
            usual, within = inputs(image)
            shares.append(float((usual != within).mean()))
            most = max(most, float(np.abs(usual - within).max()))
            one, other = (segmenter(image) for segmenter in all_threads.values())
            if one.labels.tolist() == other.labels.tolist():
                same += 1
                overlaps += overlap(one, other)
        times = [time(segmenters, image, arguments.calls) for segmenters in (all_threads, one_thread)]
        both = " | ".join(" / ".join(f"{taken[way]:.1f}" for taken in times) + " ms" for way in WAYS)
        print(
            f"| {size[0]}x{size[1]} | {statistics.mean(shares):.1%} | {most:.0f} of 255 "
            f"| {same} of {arguments.scenes} | {statistics.mean(overlaps):.4f} | {both} |"
        )


if __name__ == "__main__":
    main()
