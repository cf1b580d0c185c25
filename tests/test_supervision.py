"""Instances in supervision's own tools."""

from __future__ import annotations

import importlib.metadata
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
import supervision
from samples import coco_like
from supervision.detection.compact_mask import CompactMask
from test_results import SIZE, instances

from maskrle import Instances, RLEBatch, encode

IMAGE = (480, 640)


def many(count: int = 20, size: tuple[int, int] = IMAGE) -> Instances:
    masks, boxes, channels = coco_like(count, size, seed=4)
    rles = encode(masks, boxes, size, channels=channels)
    scores = np.linspace(0.95, 0.3, count, dtype=np.float32)
    return Instances(channels + 1, scores, boxes, rles, {1: "person"}, np.arange(count) - 1)


def test_what_goes_where() -> None:
    found = many()
    detections = found.to_supervision()
    assert isinstance(detections, supervision.Detections)
    np.testing.assert_array_equal(detections.xyxy, found.boxes)
    np.testing.assert_array_equal(detections.confidence, found.scores)
    np.testing.assert_array_equal(detections.class_id, found.labels)
    np.testing.assert_array_equal(detections.tracker_id, found.tracks)
    assert detections.data["class_name"].tolist() == [found.name(label) for label in found.labels.tolist()]
    assert instances().to_supervision().tracker_id is None


@pytest.mark.parametrize("found", [many(), instances()], ids=["large", "small"])
def test_masks_are_compact_and_exact(found: Instances) -> None:
    """Also where a mask goes beyond its detection's box, and in small images, decoded otherwise."""
    masks = found.to_supervision().mask
    assert isinstance(masks, CompactMask)
    np.testing.assert_array_equal(masks.to_dense(), found.to_masks())
    np.testing.assert_array_equal(masks.area, found.rles.areas)


def test_masks_that_are_empty_and_none_at_all() -> None:
    found = instances()
    nothing = np.zeros((5, 5, 5), np.float32)
    empty = Instances(found.labels, found.scores, found.boxes, encode(nothing[:4], found.boxes, SIZE))
    detections = empty.to_supervision()
    assert detections.mask.area.tolist() == [0] * 4
    assert detections.mask.shape == (4, *SIZE)
    assert len(found[:0].to_supervision()) == 0


def test_no_mask_is_drawn() -> None:
    """Ten masks of 8000 x 8000 pixels would be 640 MB."""
    size = (8000, 8000)
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 7000, (10, 2))
    boxes = np.concatenate([corners, corners + 900], axis=1).astype(np.float32)
    rles = encode(np.ones((10, 5, 5), np.float32), boxes, size)
    found = Instances(np.ones(10, np.int64), np.ones(10, np.float32), boxes, rles)
    tracemalloc.start()
    detections = found.to_supervision()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert detections.mask.shape == (10, *size)
    assert peak < 20e6


@pytest.mark.parametrize(
    "annotator", ["MaskAnnotator", "PolygonAnnotator", "BoxAnnotator", "LabelAnnotator", "HaloAnnotator"]
)
def test_annotators(annotator: str) -> None:
    """They draw what they draw of dense masks."""
    found = many()
    image = np.random.default_rng(1).integers(0, 255, (*IMAGE, 3), np.uint8)
    tool = getattr(supervision, annotator)()
    drawn = tool.annotate(image.copy(), found.to_supervision())
    dense = found.to_supervision()
    dense.mask = found.to_masks().astype(bool)
    assert (drawn != image).any()
    np.testing.assert_array_equal(drawn, tool.annotate(image.copy(), dense))


def test_selection_and_suppression() -> None:
    detections = many().to_supervision()
    best = detections[detections.confidence > 0.5]
    assert isinstance(best.mask, CompactMask)
    twice = supervision.Detections.merge([best, best])
    kept = twice.with_nms(threshold=0.99, class_agnostic=True)
    assert len(kept) == len(best)
    assert isinstance(kept.mask, CompactMask)


def test_trackers() -> None:
    """The same objects, two pixels further each time, keep their numbers."""
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker()
    found = many(5)
    seen: list[Any] = []
    for step in range(6):
        boxes = found.boxes + np.float32(2 * step)
        moved = Instances(found.labels, np.full(5, 0.9, np.float32), boxes, found.rles)
        tracked = tracker.update(moved.to_supervision())
        assert isinstance(tracked.mask, CompactMask)
        seen.append(sorted(tracked.tracker_id.tolist()))
    assert seen[-1] == seen[-2] == list(range(min(seen[-1]), min(seen[-1]) + 5))


@pytest.mark.parametrize("installed", ["0.27.0", None])
def test_without_supervision_or_with_an_old_one(
    monkeypatch: pytest.MonkeyPatch, installed: str | None
) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setitem(sys.modules, "supervision.detection.compact_mask", None)
    says = "none is installed" if installed is None else r"0\.27\.0 is installed"
    with pytest.raises(
        ImportError, match=rf"needs supervision 0\.31 or newer.*{says}.*maskrle\[supervision\]"
    ):
        instances().to_supervision()


def test_with_a_version_that_cannot_take_rles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(CompactMask, "from_coco_rle")  # as in 0.28 and 0.29
    with pytest.raises(ImportError, match=r"needs supervision 0\.31 or newer"):
        instances().to_supervision()


def test_images_too_large_for_supervision() -> None:
    rles = RLEBatch.from_dicts([], image_size=(40_000, 10))
    nothing = np.zeros((0, 4), np.float32)
    with pytest.raises(ValueError, match="exceeds the maximum"):
        Instances(np.zeros(0, np.int64), nothing[:, 0], nothing, rles).to_supervision()
