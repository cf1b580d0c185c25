"""COCO's results format: the dicts of one image, and the file that `pycocotools.coco.COCO.loadRes` reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .files import replacing

if TYPE_CHECKING:
    from .native import RLEBatch

__all__ = ["coco_boxes", "to_coco", "write_json", "write_list"]


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


def write_json(path: str | os.PathLike[str], content: Sequence[Any] | dict[str, Any]) -> None:
    """Write results (or annotations) as JSON, one line for each element of a list, whole or not at all.

    Floats are written with the fewest digits that read back as the same double: equal content gives equal
    bytes.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
        OSError: the file cannot be written.
    """
    with replacing(Path(path)) as file:
        if isinstance(content, dict):
            file.write(json.dumps(content, allow_nan=False).encode())
        else:
            write_list(file, content)
        file.write(b"\n")


def write_list(file: BinaryIO, elements: Iterable[Any]) -> None:
    """Write a list as JSON, a line for each element, one in memory at a time.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    before = b"["
    for element in elements:
        file.write(before + json.dumps(element, allow_nan=False).encode())
        before = b",\n "
    file.write(b"[]" if before == b"[" else b"]")
