"""Results files read back: whatever the format, as COCO result dicts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .arrow import check_arrow
from .coco import coco_boxes

__all__ = ["read_json", "read_results"]

Results = list[dict[str, Any]]


def read_results(path: Path) -> Any:
    """The detections of a results file, as COCO result dicts with the numbers of `Instances.to_coco`.

    A folder stands for all Parquet files in it, in the order of their names. What a `.json` file contains is
    not looked at; any suffix but `.jsonl` and `.parquet` is taken for one.

    Raises:
        OSError: it cannot be read.
        ImportError: it is Parquet, and pyarrow is not installed.
        ValueError: it is not of its suffix's format; the message names it.
    """
    if path.is_dir():
        shards = sorted(path.glob("*.parquet"))
        if not shards:
            raise ValueError(f"{path}: a folder without Parquet files")
        return [result for shard in shards for result in _parquet(shard)]
    return _READERS.get(path.suffix.lower(), read_json)(path)


def read_json(path: Path) -> Any:
    """What a JSON file contains.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not JSON.
    """
    return _parsed(path.read_bytes(), str(path))


def _parsed(text: bytes, where: str) -> Any:
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: not JSON: {error}") from None


def _lines(path: Path) -> Results:
    return list(_each_line(path))


def _each_line(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            where = f"{path}: line {number}"
            picture = _parsed(line, where)
            detections = picture.get("detections") if isinstance(picture, dict) else None
            if not isinstance(detections, list) or not all(isinstance(one, dict) for one in detections):
                raise ValueError(f"{where}: expected an object with image_id and a list of detections")
            for one in detections:
                yield {"image_id": picture.get("image_id"), **one}


def _parquet(path: Path) -> Results:
    check_arrow()
    import pyarrow as pa
    import pyarrow.parquet

    columns = {
        "image_id": pa.int64(),
        "height": pa.int64(),
        "width": pa.int64(),
        "label": pa.int64(),
        "score": pa.float32(),
        "box": pa.list_(pa.float32(), 4),
        "counts": pa.large_binary(),
    }
    try:
        # Not read_table, which looks at the names of folders for more columns.
        with pa.parquet.ParquetFile(path) as file:
            missing = [name for name in columns if name not in file.schema_arrow.names]
            if missing:
                raise ValueError(f"{path}: no results of maskrle: no column {missing[0]}")
            table = file.read(list(columns)).select(list(columns)).cast(pa.schema(columns.items()))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, not of what is in the file
        raise ValueError(f"{path}: not Parquet, or other columns than maskrle's: {error}") from None
    empty = next((name for name in columns if table[name].null_count), None)
    if empty is not None:
        raise ValueError(f"{path}: no results of maskrle: nulls in column {empty}")
    boxes = table["box"].combine_chunks().flatten().to_numpy().reshape(-1, 4)
    sides = coco_boxes(np.asarray(boxes, np.float32)).tolist()
    names = ("image_id", "height", "width", "label", "score", "counts")
    rows = zip(sides, *(table[name].to_pylist() for name in names), strict=True)
    return [
        {
            "image_id": image_id,
            "category_id": label,
            "bbox": bbox,
            "score": score,
            "segmentation": {"size": [height, width], "counts": counts},
        }
        for bbox, image_id, height, width, label, score, counts in rows
    ]


_READERS: dict[str, Callable[[Path], Any]] = {".jsonl": _lines, ".parquet": _parquet}
