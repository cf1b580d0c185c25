"""A run over pictures on a Ray cluster, or on this machine as one: from names through actors to shards."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .image import Image
from .native import __version__
from .predict import labels_of, select
from .ray import SegmentBatch
from .results import Instances
from .run_record import recorded, run_path
from .sources import Camera, Source, Still, check_inputs, items, printable, sources
from .stores import is_url, listed, opened, read, shown
from .stream import Result, ordered

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.fs

    from .shards import Written

__all__ = ["ClusterRun", "check_ray"]

_MOST = 500
"""Pictures of a task at most: what is done again where an actor dies."""
_TASKS = 8
"""Tasks for each actor at least, so that all of them end at about the same time."""
_READERS = 8
"""Threads of an actor that read files."""


def check_ray() -> None:
    """See to it that Ray is there, and that it reports to nobody.

    Raises:
        ImportError: it is not.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise ImportError(f"engine: {error}: pip install 'maskrle[ray]'") from None
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)


@dataclass(frozen=True)
class ClusterRun:
    """What is to be done on a cluster.

    inputs          paths and URLs of pictures and folders, as for `sources.sources`; no videos
    out             folder for the shards, as a path or URL; it must not exist or be empty
    model           path of the network, for all machines; None for the embedded one
    options         further ones of `SegmentBatch`
    images          folder that paths in lists and annotations are relative to
    classes         classes to keep, by name or label; None for all
    max_detections  the most of a picture to keep, best first; None for all
    actors          processes that run the network; as many as the cluster has room for, unless given
    cpus            CPUs of each
    max_pixels      larger pictures are errors
    settings        whatever else decides the results, for the record beside them, as `Run` has it
    """

    inputs: Sequence[str]
    out: str
    model: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    images: Path | None = None
    classes: Sequence[str] | None = None
    max_detections: int | None = None
    actors: int | None = None
    cpus: int = 1
    max_pixels: int = 200_000_000
    settings: Mapping[str, Any] = field(default_factory=dict)

    def pictures(self) -> pyarrow.Table:
        """The table of what is to be segmented: image_id, file_name, store, path, problem.

        `store` is the number of the input whose file system has the path; null for this machine's own.

        Raises:
            ValueError, OSError: as `sources.sources` and `stores.listed`; ValueError for a video or camera.
        """
        import pyarrow as pa

        check_inputs(self.inputs)
        found: list[tuple[int, str, int | None, bytes, str | None]] = []
        for number, given in enumerate(self.inputs):
            if is_url(given):
                for name, path in listed(given):
                    found.append((len(found) + 1, name, number, path.encode(), None))
                continue
            for source in sources([given], self.images):
                found.append(_local(len(found) + 1, source))
        kinds = [pa.int64(), pa.string(), pa.int32(), pa.binary(), pa.string()]
        names = ["image_id", "file_name", "store", "path", "problem"]
        columns = list(zip(*found, strict=True))
        return pa.table([pa.array(one, kind) for one, kind in zip(columns, kinds, strict=True)], names)

    def run(self, pictures: pyarrow.Table) -> Written:
        """Segment the pictures; returns how many there were, and what of.

        Raises:
            FileExistsError: `out` has something in it.
            RuntimeError: what was written is not what was given, or Ray gives up.
        """
        import pyarrow.fs
        import ray

        from .shards import Shards

        out = opened(self.out)
        if out.files.get_file_info(out.path).type == pyarrow.fs.FileType.File or (
            out.files.get_file_info(pyarrow.fs.FileSelector(out.path, allow_not_found=True))
        ):
            raise FileExistsError(f"out: {shown(self.out)} is there already, and not an empty folder")
        settings = {
            "model": None if self.model is None else self.model.absolute(),
            "stores": {at: opened(one).files for at, one in enumerate(self.inputs) if is_url(one)},
            "classes": self.classes,
            "most": self.max_detections,
            "max_pixels": self.max_pixels,
            **self.options,
        }
        network = Actor(**settings).segmenter.name  # what is wrong with any of these is said here, once
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        room = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        if self.cpus > max(room):
            raise ValueError(f"nthreads: expected at most {max(room)}, a machine's CPUs, got {self.cpus}")
        actors = self.actors or max(1, sum(cpus // self.cpus for cpus in room))
        size = max(1, min(_MOST, ceil(len(pictures) / (_TASKS * actors))))
        tables = [pictures.slice(start, size) for start in range(0, len(pictures), size)]
        sink = Shards(out)
        done = ray.data.from_arrow(tables).map_batches(
            Actor,
            fn_constructor_kwargs=settings,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=self.cpus,
        )
        try:  # actors may hold all CPUs: shards are written beside them
            done.write_datasink(sink, ray_remote_args={"num_cpus": 0})
        except ray.exceptions.RayError as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            raise RuntimeError(f"engine: ray gave up: {said[0]} {said[-1]}") from error
        if sink.written.pictures != len(pictures):
            raise RuntimeError(f"{len(pictures)} pictures were given, {sink.written.pictures} were written")
        about = {"maskrle": __version__, "classes": self.classes, "max_detections": self.max_detections}
        record = f"{out.path}/{run_path(Path('detections')).name}"
        with closing(out.files.open_output_stream(record)) as file:
            file.write(recorded(about | dict(self.settings) | {"network": network}))
        return sink.written


class Actor(SegmentBatch):
    """Reads the files that a batch names, and segments them."""

    def __init__(
        self,
        model: Path | None,
        stores: Mapping[int, pyarrow.fs.FileSystem],
        classes: Sequence[str] | None,
        most: int | None,
        max_pixels: int,
        **options: Any,
    ) -> None:
        os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(max_pixels)  # OpenCV reads it when it is loaded
        super().__init__(model, image="path", **options)
        self._stores, self._most = stores, most
        self._classes = None if classes is None else labels_of(classes, self.segmenter.names or {})

    def __call__(self, batch: Mapping[str, NDArray[Any]]) -> pyarrow.Table:
        return (
            super()
            .__call__(batch)
            .select(["image_id", "file_name", "height", "width", "error", "detections"])
        )

    def images(self, batch: Mapping[str, NDArray[Any]]) -> Iterator[Image | Exception]:
        given = zip(batch["store"].tolist(), batch["path"].tolist(), batch["problem"].tolist(), strict=True)
        with closing(ordered(self._read, given, _READERS, lambda: None)) as read:
            yield from read

    def kept(self, result: Result) -> Instances | None:
        return result.instances and select(result.instances, self._classes, self._most)

    def _read(self, given: tuple[float | None, bytes, str | None]) -> list[Any]:
        store, path, problem = given
        try:
            if store is not None and not np.isnan(store):
                return [read(self._stores[int(store)], path.decode())]
            image = next(items([Still(Path(os.fsdecode(path)), 0, "image", problem)])).image
            return [image.read_bytes() if isinstance(image, Path) else image]
        except Exception as error:
            return [error]


def _local(number: int, source: Source) -> tuple[int, str, int | None, bytes, str | None]:
    if not isinstance(source, Still):
        name = f"camera {source.number}" if isinstance(source, Camera) else printable(source.path)
        raise ValueError(f"engine: ray takes pictures, got {name}")
    image_id = number if source.image_id is None else source.image_id
    name = printable(source.path) if source.name is None else source.name
    # With a problem, the name may be one that no system takes.
    if source.problem is not None:
        return image_id, name, None, b"", source.problem.removeprefix(f"{name}: ")
    return image_id, name, None, os.fsencode(source.path.absolute()), None
