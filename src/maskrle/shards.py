"""Parquet shards: what a run on a cluster writes, many machines at once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from ray.data import Datasink

from .arrow import image_schema, parquet_writer, results_schema
from .stores import Store

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Shards", "Written", "picture_schema"]

PICTURES = 20_000
"""Least pictures of a shard, but for the last."""
_TOLD = 20
"""Most errors that the driver is told; all are in the shards."""


@dataclass(frozen=True)
class Written:
    """What went into shards."""

    pictures: int
    detections: int
    errors: int
    told: list[tuple[str, str]]

    def __add__(self, other: Written) -> Written:
        """Both; the errors that are told stay few."""
        return Written(
            self.pictures + other.pictures,
            self.detections + other.detections,
            self.errors + other.errors,
            (self.told + other.told)[:_TOLD],
        )


class Shards(Datasink[Written]):  # type: ignore[misc]  # Any where types are checked
    """Writes rows of pictures (`SegmentBatch`'s, with image_id and file_name) to a folder, as two tables:

        detections/part-*.parquet  what `maskrle predict` writes to a `.parquet` file
        pictures/part-*.parquet    a row for each picture: `picture_schema`

    A part's name is its task's number, so that a task done again writes over what it wrote.
    """

    def __init__(self, out: Store) -> None:
        self._out = out
        self.written = Written(0, 0, 0, [])

    @property
    def min_rows_per_write(self) -> int:
        return PICTURES

    def on_write_start(self, schema: Any = None) -> None:
        for table in ("detections", "pictures"):
            self._out.files.create_dir(f"{self._out.path}/{table}", recursive=True)

    def write(self, blocks: Iterable[Any], ctx: Any) -> Written:
        import pyarrow.parquet

        part = f"part-{ctx.task_idx:06}.parquet"
        written = Written(0, 0, 0, [])
        with (
            closing(self._out.files.open_output_stream(f"{self._out.path}/detections/{part}")) as first,
            closing(self._out.files.open_output_stream(f"{self._out.path}/pictures/{part}")) as second,
            parquet_writer(first) as detections,
            pyarrow.parquet.ParquetWriter(second, picture_schema(), compression="zstd") as pictures,
        ):
            for block in blocks:
                for batch in block.to_batches():
                    rows, listed = _rows(batch), _pictures(batch)
                    detections.write_table(rows)
                    pictures.write_table(listed)
                    failed = listed.filter(listed["error"].is_valid())
                    told = zip(failed["file_name"].to_pylist(), failed["error"].to_pylist(), strict=True)
                    written += Written(len(listed), len(rows), len(failed), list(islice(told, _TOLD)))
        return written

    def on_write_complete(self, write_result: Any) -> None:
        self.written = sum(write_result.write_returns, self.written)


def picture_schema() -> pyarrow.Schema:
    """A picture: image_id, file_name, height, width, count of detections, error; null where there is none."""
    import pyarrow as pa

    columns = [image_schema().field(name) for name in ("image_id", "file_name", "height", "width")]
    columns[2:] = [field.with_nullable(True) for field in columns[2:]]
    return pa.schema([*columns, pa.field("count", pa.int32()), pa.field("error", pa.string())])


def _rows(batch: pyarrow.RecordBatch) -> pyarrow.Table:
    """A row for each detection of a batch of pictures."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = batch.column("detections")
    of = pc.list_parent_indices(lists)
    about = [
        pa.nulls(len(of), field.type) if field.name == "frame" else batch.column(field.name).take(of)
        for field in image_schema()
    ]
    return pa.Table.from_arrays([*about, *lists.flatten().flatten()], schema=results_schema())


def _pictures(batch: pyarrow.RecordBatch) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {field.name: field for field in picture_schema()}
    counts = pc.list_value_length(batch.column("detections"))
    arrays = [counts if name == "count" else batch.column(name) for name in columns]
    return pa.Table.from_arrays(arrays, schema=picture_schema())
