"""The files that results are written to: COCO results, lines of JSON, Parquet."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .arrow import check_arrow, detection_schema, image_schema, parquet_writer, results_schema
from .coco import coco_boxes
from .json_text import json_text, write_list
from .results import Instances

if TYPE_CHECKING:
    import pyarrow

__all__ = ["FORMATS", "Format", "beside", "described", "format_of", "write_images", "write_lines"]

Record = Mapping[str, Any]
"""One picture: what `described` says of it, the count of its detections, and these as the format has them."""
Boxes: TypeAlias = tuple[NDArray[np.float64], NDArray[Any]]
_ROW_GROUP = 64 << 20
"""Bytes of a Parquet file's row group before compression: what writing and reading it take of memory."""


class Format(NamedTuple):
    """A kind of results file.

    found   one picture's instances -> its detections, fit for JSON
    write   all pictures, in their order, one in memory at a time -> the file
    boxes   one picture's detections as in the journal -> boxes, x, y, width, height [n, 4], and scores [n]
    images  whether the file tells of pictures without detections only in a list of images beside it
    check   raises ImportError where a package is missing
    """

    found: Callable[[int, Instances], Any]
    write: Callable[[BinaryIO, Iterable[Record]], None]
    boxes: Callable[[Any], Boxes]
    images: bool
    check: Callable[[], object] = lambda: None


def format_of(path: Path) -> Format:
    """The format that a file's suffix stands for.

    Raises:
        ValueError: another suffix.
        ImportError: it needs a package that is not installed.
    """
    chosen = FORMATS.get(path.suffix.lower())
    if chosen is None:
        raise ValueError(f"out: expected a file name ending in {', '.join(FORMATS)}, got {path.name}")
    chosen.check()
    return chosen


def beside(out: Path, suffix: str) -> Path:
    """The name of a side file: the output's with something behind it."""
    return out.with_name(out.name + suffix)


def write_images(file: BinaryIO, records: Iterable[Record], names: Mapping[int, str]) -> None:
    """The pictures as COCO's annotations have them, without annotations: id, file_name, size, categories."""

    def images() -> Iterator[Any]:
        for record in records:
            image = described(record) | {"id": record["image_id"]}
            del image["image_id"]
            yield image

    file.write(b'{"images": ')
    write_list(file, images())
    categories = [{"id": label, "name": name} for label, name in names.items()]
    file.write(b', "annotations": [], "categories": ' + json_text(categories) + b"}\n")


def write_lines(file: BinaryIO, contents: Iterable[Any]) -> None:
    """JSON, one content a line."""
    for content in contents:
        file.write(json_text(content) + b"\n")


def described(record: Record) -> dict[str, Any]:
    """What a record says about the picture itself."""
    return {
        name: record[name] for name in ("image_id", "file_name", "frame", "height", "width") if name in record
    }


def _coco_results(image_id: int, instances: Instances) -> Any:
    return instances.to_coco(image_id)


def _write_coco(file: BinaryIO, records: Iterable[Record]) -> None:
    write_list(file, chain.from_iterable(record["detections"] for record in records))
    file.write(b"\n")


def _coco_boxes(detections: Any) -> Boxes:
    boxes = np.array([one["bbox"] for one in detections], np.float64).reshape(-1, 4)
    return boxes, np.array([one["score"] for one in detections], np.float64)


def _detections(image_id: int, instances: Instances) -> Any:
    found = instances.to_coco(image_id)
    for detection in found:
        del detection["image_id"]
    return found


def _arrow(image_id: int, instances: Instances) -> Any:
    """The columns of one picture, in Arrow's own bytes."""
    return base64.b64encode(instances.to_arrow().serialize()).decode()


def _rows(detections: str) -> pyarrow.RecordBatch:
    import pyarrow as pa

    return pa.ipc.read_record_batch(pa.py_buffer(base64.b64decode(detections)), detection_schema())


def _arrow_boxes(detections: Any) -> Boxes:
    rows = _rows(detections)
    boxes = rows["box"].flatten().to_numpy().reshape(-1, 4)
    return coco_boxes(boxes), rows["score"].to_numpy()


def _write_parquet(file: BinaryIO, records: Iterable[Record]) -> None:
    import pyarrow as pa

    image, schema = image_schema(), results_schema()
    with parquet_writer(file) as writer:
        batches: list[pa.RecordBatch] = []
        size = 0
        for record in records:
            rows = _rows(record["detections"])
            about = [pa.repeat(pa.scalar(record.get(one.name), one.type), len(rows)) for one in image]
            batches.append(pa.record_batch([*about, *rows.columns], schema=schema))
            size += batches[-1].nbytes
            if size >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(batches, schema))
                batches, size = [], 0
        writer.write_table(pa.Table.from_batches(batches, schema))


FORMATS = {
    ".json": Format(_coco_results, _write_coco, _coco_boxes, images=True),
    ".jsonl": Format(_detections, write_lines, _coco_boxes, images=False),  # the lines are the journal's own
    ".parquet": Format(_arrow, _write_parquet, _arrow_boxes, images=True, check=check_arrow),
}
"""Suffix -> format."""
