"""Measure the average precision of the embedded network on scenes it was not trained on.

    python tools/evaluate_shapes.py

The whole path is maskrle's own (`Segmenter`, at f32); pycocotools counts.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from maskrle import Segmenter
from maskrle.evaluate import evaluate
from maskrle.shapes import CLASSES, network, scene

SIZES = ((480, 640), (800, 1365), (640, 480), (427, 640), (600, 600))
FIRST_SEED = 500_000  # training starts at 1,000,000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    arguments = parser.parse_args()

    segmenter = Segmenter(
        network(),
        score_threshold=0.0,
        precision=arguments.precision,
        config={"INFERENCE_NUM_THREADS": arguments.threads},
    )
    truth: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": index + 1, "name": name} for index, name in enumerate(CLASSES)],
    }
    results: list[dict[str, Any]] = []
    times = []
    for image_id in range(1, arguments.scenes + 1):
        height, width = SIZES[image_id % len(SIZES)]
        image, shown = scene(FIRST_SEED + image_id, (height, width))
        truth["images"].append({"id": image_id, "height": height, "width": width})
        annotations = shown.annotations(image_id, len(truth["annotations"]) + 1)
        for annotation in annotations:
            size = annotation["segmentation"]["size"]
            annotation["segmentation"] = coco_mask.frPyObjects(annotation["segmentation"], *size)
        truth["annotations"] += annotations
        found, timings = segmenter.timed(image)
        results += found.to_coco(image_id)
        times.append(timings)
    print(f"{arguments.scenes} scenes, {len(truth['annotations'])} objects, {len(results)} detections")
    if not results:
        raise SystemExit("nothing detected")
    inference, postprocess = (
        1e3 * np.median([getattr(one, stage) for one in times]) for stage in ("inference", "postprocess")
    )
    print(
        f"inference {inference:.1f} ms, post-processing {postprocess:.2f} ms "
        f"(medians, {arguments.threads} thread)"
    )
    for name, measured in evaluate(results, truth).items():
        average, at50, at75 = (measured.metrics[metric] for metric in ("AP", "AP50", "AP75"))
        steps = measured.precision[:, :, :, 0, 2]
        curve = " ".join(f"{value:.2f}" for value in steps.mean(axis=(1, 2)))
        print(f"{name:4}  AP {average:.4f}  AP50 {at50:.4f}  AP75 {at75:.4f}   by IoU 0.50 to 0.95: {curve}")
        classes = "  ".join(
            f"{label} {value:.3f}" for label, value in zip(CLASSES, steps.mean(axis=(0, 1)), strict=True)
        )
        print(f"      {classes}")


if __name__ == "__main__":
    main()
