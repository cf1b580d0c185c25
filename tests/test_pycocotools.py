"""Batches and results in pycocotools, as they are."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from samples import coco_like

from maskrle import Instances, encode

SIZE = (240, 320)


def found() -> Instances:
    masks, boxes, channels = coco_like(12, SIZE, seed=6)
    rles = encode(masks, boxes, SIZE, channels=channels)
    return Instances(channels + 1, np.linspace(0.9, 0.4, 12, dtype=np.float32), boxes, rles)


def test_decode_area_box() -> None:
    rles = found().rles
    np.testing.assert_array_equal(coco_mask.decode(list(rles)).transpose(2, 0, 1), rles.to_masks())
    assert coco_mask.area(list(rles)).tolist() == rles.areas.tolist()
    assert coco_mask.toBbox(list(rles)).tolist() == rles.bboxes.tolist()


def test_iou_and_merge() -> None:
    rles = found().rles
    masks = rles.to_masks().astype(bool)
    ious = coco_mask.iou(list(rles), list(rles), [0] * len(rles))
    for row, one in enumerate(masks):
        union, shared = (one | masks).sum((1, 2)), (one & masks).sum((1, 2))
        np.testing.assert_allclose(ious[row], shared / np.maximum(union, 1), atol=1e-12)
    for intersect, wanted in ((False, masks[:3].any(0)), (True, masks[:3].all(0))):
        merged = coco_mask.merge(list(rles[:3]), intersect)
        np.testing.assert_array_equal(coco_mask.decode(merged), wanted)


def test_results_are_loaded_and_evaluated() -> None:
    """Against their own masks as annotations: nothing is lost on the way."""
    instances = found()
    instances = instances[instances.rles.areas > 0]
    annotations = [
        {**one, "id": number, "iscrowd": 0, "area": int(area), "bbox": box.tolist()}
        for number, (one, area, box) in enumerate(
            zip(instances.to_coco(1), instances.rles.areas, instances.rles.bboxes, strict=True), start=1
        )
    ]
    categories = [{"id": label} for label in sorted(set(instances.labels.tolist()))]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": 1, "height": SIZE[0], "width": SIZE[1]}],
            "annotations": annotations,
            "categories": categories,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(instances.to_coco(1)), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] > 1 - 1e-9
