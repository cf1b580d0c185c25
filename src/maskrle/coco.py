"""COCO's results format: the dicts of one image, and the file that `pycocotools.coco.COCO.loadRes` reads."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .native import RLEBatch

__all__ = ["to_coco", "write_json"]


def to_coco(
    image_id: int | str,
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    rles: RLEBatch,
) -> list[dict[str, Any]]:
    """COCO result dicts, JSON-ready, one for each detection.

    `bbox` is the detection's own box as [x, y, width, height], not the mask's extent; differences are taken
    in double precision from the float32 corners. `counts` is str, as JSON has no bytes.
    """
    corners = boxes.astype(np.float64)
    sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    columns = (labels.tolist(), sides.tolist(), scores.tolist(), rles)
    return [
        {
            "image_id": image_id,
            "category_id": label,
            "bbox": bbox,
            "score": score,
            "segmentation": {"size": list(rle["size"]), "counts": rle["counts"].decode("ascii")},
        }
        for label, bbox, score, rle in zip(*columns, strict=True)
    ]


def write_json(path: str | os.PathLike[str], content: Sequence[Any] | dict[str, Any]) -> None:
    """Write results (or annotations) as JSON, one line for each element of a list, whole or not at all.

    The file is written beside `path` and renamed over it, so that a reader never sees half of it. Floats are
    written with the fewest digits that read back as the same double: equal content gives equal bytes.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if isinstance(content, dict):
        text = json.dumps(content, allow_nan=False)
    else:
        text = "[" + ",\n ".join(json.dumps(item, allow_nan=False) for item in content) + "]"
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "x", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
