"""Instances as Arrow's columns (the extra `arrow`), the same in memory and in Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

    from .native import RLEBatch

__all__ = [
    "check_arrow",
    "detection_schema",
    "image_schema",
    "parquet_writer",
    "results_schema",
    "to_arrow",
]


def check_arrow() -> None:
    """See to it that pyarrow is there.

    Raises:
        ImportError: it is not.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ImportError("Arrow and Parquet need pyarrow: pip install 'maskrle[arrow]'") from None


def image_schema() -> pyarrow.Schema:
    """What a Parquet file says of the picture in each row, before the detection's own columns."""
    import pyarrow as pa

    columns = {
        "image_id": pa.int64(),
        "file_name": pa.string(),
        "frame": pa.int32(),
        "height": pa.int32(),
        "width": pa.int32(),
    }
    return pa.schema([pa.field(name, kind, nullable=name == "frame") for name, kind in columns.items()])


def detection_schema() -> pyarrow.Schema:
    """The columns of detections; docs/interop.md says what is in them."""
    import pyarrow as pa

    columns = {
        "label": pa.int64(),
        "category": pa.string(),
        "score": pa.float32(),
        "box": pa.list_(pa.field("element", pa.float32(), nullable=False), 4),
        "area": pa.int64(),
        "counts": pa.large_binary(),
        "track_id": pa.int64(),
    }
    optional = ("category", "track_id")
    return pa.schema([pa.field(name, kind, nullable=name in optional) for name, kind in columns.items()])


def results_schema() -> pyarrow.Schema:
    """A row for each detection, after the columns of its picture."""
    import pyarrow as pa

    return pa.schema([*image_schema(), *detection_schema()])


def to_arrow(
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    rles: RLEBatch,
    names: Mapping[int, str],
    tracks: NDArray[np.int64] | None,
) -> pyarrow.RecordBatch:
    """A row for each instance; numbers and strings are taken where they lie.

    Raises:
        ImportError: pyarrow is not installed.
    """
    check_arrow()
    import pyarrow as pa

    schema, count = detection_schema(), len(rles)
    columns: list[Any] = [
        pa.array(labels),
        pa.array([names.get(label) for label in labels.tolist()], pa.string()),
        pa.array(scores),
        pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(boxes).reshape(-1)), type=schema.field("box").type
        ),
        pa.array(rles.areas),
        pa.Array.from_buffers(
            pa.large_binary(), count, [None, pa.py_buffer(rles.offsets), pa.py_buffer(rles.counts)]
        ),
        pa.nulls(count, pa.int64()) if tracks is None else pa.array(tracks, mask=tracks < 0),
    ]
    return pa.record_batch(columns, schema=schema)


def parquet_writer(file: Any) -> pyarrow.parquet.ParquetWriter:
    """A Parquet file of `results_schema`, opened for binary writing."""
    import pyarrow.parquet

    repeated = ["image_id", "file_name", "frame", "height", "width", "label", "category"]
    return pyarrow.parquet.ParquetWriter(file, results_schema(), compression="zstd", use_dictionary=repeated)
