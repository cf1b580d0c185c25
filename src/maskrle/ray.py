"""A network for Ray Data. Ray itself is not needed until there is something to run on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import shapes
from .arrow import check_arrow, detection_schema
from .image import Image
from .results import Instances
from .segmenter import Segmenter
from .stream import Result

if TYPE_CHECKING:
    import pyarrow

__all__ = ["SegmentBatch"]


class SegmentBatch:
    """Finds instances in batches of pictures: a callable class for `ray.data.Dataset.map_batches`.

    Each actor makes one of these, which reads and compiles the network once. A batch maps column names to
    numpy arrays; one column holds the pictures: encoded files as bytes (`ray.data.read_binary_files` gives
    them), paths, or uint8 arrays [H, W, 3] in BGR (those of `ray.data.read_images` are RGB, and read by
    another library). The result is an Arrow table with a row for each row of the batch: its other columns,
    then

        height, width  int32, pixels of the picture; null with an error
        error          string, why there are no results; null where there are
        detections     list of structs as the rows of Parquet files of `maskrle predict`: label, category,
                       score, box (x_min, y_min, x_max, y_max), area, counts; null with an error

    A picture that fails is a row with an error, and the batch goes on.

    Args:
        model: a path as for `Segmenter`, that every machine of the cluster has; None for the embedded
            network.
        image: name of the column of pictures.
        workers: threads and inference requests, as for `Segmenter.stream`.
        **options: further ones of `Segmenter`. Without INFERENCE_NUM_THREADS in `config`, an actor takes as
            many threads as it was given CPUs (`num_cpus` of `map_batches`).

    Raises:
        FileNotFoundError, ValueError, TypeError: as `Segmenter`.
        ImportError: pyarrow is not installed.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        image: str = "image",
        workers: int | None = None,
        **options: Any,
    ) -> None:
        check_arrow()
        self._image, self._workers = image, workers
        config = {"PERFORMANCE_HINT": "THROUGHPUT", **_threads(), **(options.pop("config", None) or {})}
        self.segmenter = Segmenter(shapes.network() if model is None else model, config=config, **options)
        import cv2

        cv2.setNumThreads(1)  # workers are threads enough

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> pyarrow.Table:
        """The table of a batch.

        Args:
            batch: column name -> array [rows].

        Returns:
            An Arrow table with as many rows, in their order.

        Raises:
            KeyError: it has no column of pictures.
        """
        if self._image not in batch:
            raise KeyError(f"image: no column {self._image!r} among {', '.join(map(repr, batch))}")
        with closing(self.segmenter.stream(self.images(batch), self._workers)) as results:
            return _table(
                {name: column for name, column in batch.items() if name != self._image},
                [(result, self.kept(result)) for result in results],
            )

    def images(self, batch: Mapping[str, NDArray[Any]]) -> Iterable[Image | Exception]:
        """The pictures of a batch, in their order; for subclasses whose batches have them otherwise.

        Args:
            batch: column name -> array [rows].

        Returns:
            A picture, as for calling a `Segmenter`, or an exception for each row.
        """
        return iter(batch[self._image])

    def kept(self, result: Result) -> Instances | None:
        """What is to be kept of what was found; for subclasses that select.

        Args:
            result: of one picture.

        Returns:
            Instances; None for a row with an error.
        """
        return result.instances


def _threads() -> dict[str, int]:
    """OpenVINO would take all cores of the machine, also those that Ray gave to others."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return {}
    context = ray.get_runtime_context()
    if context.get_actor_id() is None:  # the driver
        return {}
    return {"INFERENCE_NUM_THREADS": max(1, int(context.get_assigned_resources().get("CPU", 0)))}


def _table(
    others: Mapping[str, NDArray[Any]], found: Sequence[tuple[Result, Instances | None]]
) -> pyarrow.Table:
    import pyarrow as pa

    columns = {name: _column(column) for name, column in others.items()}
    sizes = [(None, None) if one is None else one.image_size for _, one in found]
    for at, name in enumerate(("height", "width")):
        columns[name] = pa.array([size[at] for size in sizes], pa.int32())
    columns["error"] = pa.array([_reason(result.error) for result, _ in found], pa.string())
    columns["detections"] = _lists([one for _, one in found])
    return pa.table(columns)


def _column(values: NDArray[Any]) -> pyarrow.Array:
    """With the type that the values have, where numpy knows it."""
    import pyarrow as pa

    if values.dtype == object or values.ndim > 2:
        return pa.array(values.tolist())
    return pa.array(list(values) if values.ndim == 2 else values)


def _lists(found: Sequence[Instances | None]) -> pyarrow.ListArray:
    import pyarrow as pa

    schema = detection_schema()
    batches = [one.to_arrow() for one in found if one is not None]
    rows = pa.Table.from_batches(batches, schema).combine_chunks()
    columns = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in rows.columns]
    counts = [0 if one is None else len(one) for one in found]
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int32)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets),
        pa.StructArray.from_arrays(columns, fields=list(schema)),
        mask=pa.array([one is None for one in found], pa.bool_()),
    )


def _reason(error: Exception | None) -> str | None:
    if error is None:
        return None
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said or type(error).__name__).removeprefix("image: ")
