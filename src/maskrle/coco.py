"""COCO's results format: the dicts of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .native import RLEBatch

__all__ = ["coco_boxes", "to_coco"]


def to_coco(
    image_id: int | str,
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    rles: RLEBatch,
    tracks: NDArray[np.int64] | None = None,
) -> list[dict[str, Any]]:
    """COCO result dicts, JSON-ready, one for each detection.

    `bbox` is the detection's own box as [x, y, width, height], not the mask's extent; differences are taken
    in double precision from the float32 corners. `counts` is str, as JSON has no bytes. With `tracks`, each
    has a `track_id`, None where it is below 0.
    """
    columns = (labels.tolist(), coco_boxes(boxes).tolist(), scores.tolist(), rles)
    results: list[dict[str, Any]] = [
        {
            "image_id": image_id,
            "category_id": label,
            "bbox": bbox,
            "score": score,
            "segmentation": {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")},
        }
        for label, bbox, score, rle in zip(*columns, strict=True)
    ]
    if tracks is not None:
        for result, track in zip(results, tracks.tolist(), strict=True):
            result["track_id"] = track if track >= 0 else None
    return results


def coco_boxes(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Boxes as COCO has them: x_min, y_min, x_max, y_max [n, 4] -> x, y, width, height [n, 4]."""
    corners = boxes.astype(np.float64)
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
