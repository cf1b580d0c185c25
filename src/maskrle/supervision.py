"""Instances as roboflow's supervision has them (the extra `supervision`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .native import RLEBatch

__all__ = ["to_supervision"]

_LEAST = "0.31"


def to_supervision(
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    rles: RLEBatch,
    names: Sequence[str],
    tracks: NDArray[np.int64] | None,
) -> Any:
    """`supervision.Detections` of instances whose classes have these names.

    The masks are its `CompactMask`: run lengths of each tight box, never drawn.

    Raises:
        ImportError: supervision is not installed, or too old to have such masks.
        ValueError: an image with a side above 32768 pixels, which supervision does not take.
    """
    try:
        import supervision
        from supervision.detection.compact_mask import CompactMask

        from_coco_rle = CompactMask.from_coco_rle
    except (ImportError, AttributeError):
        raise ImportError(
            f"to_supervision needs supervision {_LEAST} or newer, with masks from RLE{_installed()}: "
            "pip install 'maskrle[supervision]'"
        ) from None
    # Its boxes of masks include their last row and column. One that is empty gets a single pixel, off.
    tight = rles.bboxes.copy()
    tight[:, 2:] += tight[:, :2] - 1
    tight[rles.areas == 0] = 0
    masks = from_coco_rle(list(rles), tight, rles.image_size)
    return supervision.Detections(
        xyxy=boxes.copy(),
        mask=masks,
        confidence=scores.copy(),
        class_id=labels.copy(),
        tracker_id=None if tracks is None else tracks.copy(),
        data={"class_name": np.array(names, np.str_)},
    )


def _installed() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f" ({version('supervision')} is installed)"
    except PackageNotFoundError:
        return " (none is installed)"
