"""A run over many pictures: from sources through a segmenter to a results file, with nothing lost."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .draw import COLORS
from .files import replacing
from .formats import Format, beside, described, format_of, write_images, write_lines
from .journal import Journal
from .native import __version__
from .overlays import Overlays, write_picture
from .report import Facts, Report, page_in
from .results import Instances
from .run_record import read_run, run_path, write_run
from .segmenter import Segmenter
from .sources import Camera, Item, Source, Still, items, printable
from .stream import Result, Timings, ordered
from .track import Tracks, check_tracking

__all__ = ["Failed", "Outcome", "Run", "labels_of", "select"]

_DRAWING = 2
"""Threads that draw overlays."""


class Failed(Exception):
    """The picture that a strict run ended at."""


class Outcome(NamedTuple):
    """What became of one picture.

    name        where it comes from
    detections  how many there are
    error       why there are none, in words
    timings     where the time went; None with an error, or where an earlier run did the work
    resumed     whether an earlier run did
    """

    name: str
    detections: int
    error: str | None
    timings: Timings | None
    resumed: bool = False


class _Task(NamedTuple):
    item: Item
    result: Result
    found: Instances | None
    overlay: Path | None
    shown: bool


class _Finished(NamedTuple):
    record: dict[str, Any]
    outcome: Outcome
    drawn: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Run:
    """What is to be done; iterating over it does it.

    While it goes on, finished pictures are in `OUT.partial`. At the end that becomes OUT and its side files:
    `OUT.errors.jsonl`, a line for each picture that failed; `OUT.images.json`, which picture has which id,
    where OUT itself does not say so; `OUT.run.json`, what decided the results. Each of them appears whole
    or not at all, OUT last. Every file has the same bytes for any number of workers and interruptions.

    sources         the pictures
    out             OUT, of one of `formats.FORMATS`
    settings        whatever else decides the results, fit for JSON: to resume, it must be the same
    classes         classes to keep, by name or label; None for all
    max_detections  the most of a picture to keep, best first; None for all
    track           tell which object of its video each detection is
    overlays        directory for pictures (and videos) of what was found
    colors          what a colour in them stands for, as `Instances.draw` has it
    report          directory for a page that shows what was found
    workers         threads and inference requests, as `Segmenter.stream` has them
    strict          end at the first picture that fails
    resume          go on where an interrupted run ended
    """

    sources: Sequence[Source]
    out: Path
    settings: Mapping[str, Any]
    classes: Sequence[str] | None = None
    max_detections: int | None = None
    track: bool = False
    overlays: Path | None = None
    colors: str = "class"
    report: Path | None = None
    workers: int | None = None
    strict: bool = False
    resume: bool = False

    @property
    def partial(self) -> Path:
        """Where finished pictures are while the run goes on."""
        return beside(self.out, ".partial")

    @property
    def errors(self) -> Path:
        """Where the errors are, if there are any."""
        return beside(self.out, ".errors.jsonl")

    @property
    def record(self) -> Path:
        """Where it is said what made OUT."""
        return run_path(self.out)

    @property
    def images(self) -> Path:
        """Where the list of pictures is, if OUT needs one."""
        return beside(self.out, ".images.json")

    @property
    def page(self) -> Path | None:
        """Where the report is, if there is to be one."""
        return None if self.report is None else page_in(self.report)

    @property
    def written(self) -> tuple[Path, ...]:
        """OUT and all side files that may be at the end."""
        paths = (self.out, self.images, self.record, self.errors, self.page)
        return tuple(path for path in paths if path is not None)

    def prepare(self) -> Journal | None:
        """Begin or take up the journal; None where there is nothing left to do.

        Raises:
            ValueError: OUT has another suffix, colors is no known choice, the journal or OUT is of another
                run, cameras or the overlay of a video are to be resumed, or pictures to be tracked.
            ImportError: OUT's format or tracking needs a package that is not installed.
            FileExistsError: an interrupted run left its journal, and `resume` does not say what to do.
            OSError: OUT or the journal cannot be written.
        """
        format_of(self.out)
        if self.track:
            check_tracking(self.sources)
        if self.colors not in COLORS:
            raise ValueError(f"colors: expected one of {', '.join(map(repr, COLORS))}, got {self.colors!r}")
        if self.resume and any(isinstance(source, Camera) for source in self.sources):
            raise ValueError("resume: a camera's pictures do not come again")
        if self.resume and self.overlays is not None and not self._stills:
            raise ValueError("resume: an annotated video cannot be continued; leave out --overlays")
        if self.report is not None and self.report.exists() and not self.report.is_dir():
            raise FileExistsError(f"report: expected a folder, got the file {printable(self.report)}")
        for path in self.written:
            if path.is_dir():
                raise IsADirectoryError(f"{path}: is a directory")
            if path.exists() and not path.is_file():
                raise ValueError(f"out: expected a file, and {path} is none")
        if self.resume and self.out.exists() and not self.partial.exists():
            self._check_complete()
            return None
        try:
            return Journal(self.partial, self._settings(), resume=self.resume)
        except FileExistsError:
            raise FileExistsError(
                f"{self.partial}: left by a run that was interrupted; --resume goes on with it, or delete it"
            ) from None

    def outcomes(self, segmenter: Segmenter, journal: Journal) -> Iterator[Outcome]:
        """Do the work: what became of each picture, in order, as soon as it is safe in the journal.

        Raises:
            ValueError: a class that the network does not know.
            Failed: a picture failed, and the run is strict.
            OSError: the journal, an overlay, the report or OUT cannot be written; what was finished is in the
                journal.
        """
        form = format_of(self.out)
        kept = None if self.classes is None else labels_of(self.classes, segmenter.names or {})
        overlays = None if self.overlays is None else Overlays(self.overlays, self.sources)
        report = None if self.report is None else Report(self.report)
        tracks = Tracks() if self.track else None
        todo = items(self.sources)
        begun, done = monotonic(), list[Timings | None]()
        try:
            for record in journal:
                item = next(todo, None)
                if item is None or record.get("file_name") != item.name or record.get("frame") != item.frame:
                    raise ValueError(
                        f"resume: {self.partial} is about other pictures, from {_about(record)} on"
                    )
                if overlays is not None:
                    overlays.path(item)  # the names that follow depend on those before
                if tracks is not None:
                    tracks.resume(item, None if "error" in record else form.boxes(record["detections"]))
                if report is not None:
                    report.add(record)
                yield _outcome(record, resumed=True)
            given = self._tasks(segmenter, kept, tracks, todo, overlays, report, journal.count)
            for finished, item, path in self._finished(form, given):
                if finished.outcome.error is not None and self.strict:
                    raise Failed(f"{finished.outcome.name}: {finished.outcome.error}")
                if overlays is not None and finished.drawn is not None:
                    overlays.add(item, path, finished.drawn)
                if report is not None:
                    report.add(finished.record)
                    done.append(finished.outcome.timings)
                journal.append(finished.record)
                yield finished.outcome
            if overlays is not None:
                overlays.close()
            if report is not None:
                report.write(journal, segmenter.names or {}, self._facts(monotonic() - begun, done))
            self._write(form, journal, segmenter)
            journal.remove()
        finally:
            if overlays is not None:
                overlays.discard()

    def _check_complete(self) -> None:
        was, run = read_run(self.out) or {}, self._settings()
        name = next((name for name in run if name not in was or was[name] != run[name]), None)
        if name is not None:
            raise ValueError(
                f"resume: {self.out} is of another run, which had {name} {was.get(name)!r} "
                f"and not {run[name]!r}; without resume, it is written anew"
            )

    @property
    def _stills(self) -> bool:
        return all(isinstance(source, Still) for source in self.sources)

    def _settings(self) -> dict[str, Any]:
        listed = "\n".join(map(repr, self.sources)).encode("utf-8", "backslashreplace")
        return {
            "maskrle": __version__,
            "format": self.out.suffix.lower(),
            "inputs": f"{len(self.sources)}, SHA-256 {hashlib.sha256(listed).hexdigest()}",
            "classes": self.classes,
            "max_detections": self.max_detections,
            "track": self.track,
            # Annotated videos are not resumed, but the rest of such a run is, without them.
            "overlays": printable(self.overlays) if self.overlays is not None and self._stills else None,
            "report": None if self.report is None else printable(self.report),
            **self.settings,
        }

    def _facts(self, seconds: float, done: Sequence[Timings | None]) -> Facts:
        stages = {name: sum(getattr(times, name) for times in done if times) for name in Timings._fields}
        settings = {
            name: value for name, value in self._settings().items() if name not in ("overlays", "report")
        }
        return Facts(printable(self.out.name), settings, len(done), seconds, stages)

    def _tasks(
        self,
        segmenter: Segmenter,
        kept: Sequence[int] | None,
        tracks: Tracks | None,
        todo: Iterator[Item],
        overlays: Overlays | None,
        report: Report | None,
        done: int,
    ) -> Generator[_Task, None, None]:
        pending: deque[Item] = deque()

        def images() -> Iterator[Any]:
            for item in todo:
                pending.append(item)
                yield item.image

        with closing(segmenter.stream(images(), self.workers)) as results:
            for position, result in enumerate(results, start=done):
                item, found = pending.popleft(), result.instances
                if found is not None:
                    found = select(found, kept, self.max_detections)
                if tracks is not None:  # here, where frames come in their order
                    found = tracks.follow(item, found)
                overlay = None if overlays is None else overlays.path(item)
                yield _Task(item, result, found, overlay, report is not None and report.wants(position))

    def _finished(
        self, form: Format, tasks: Generator[_Task, None, None]
    ) -> Iterator[tuple[_Finished, Item, Path | None]]:
        def finish(task: _Task) -> list[tuple[_Finished, Item, Path | None]]:
            return [(self._finish(form, task), task.item, task.overlay)]

        # Drawing and compressing pictures takes long enough to be done beside each other, too.
        with closing(tasks):
            if self.overlays is None and self.report is None:
                for task in tasks:
                    yield from finish(task)
            else:
                with closing(ordered(finish, tasks, _DRAWING, lambda: None)) as done:
                    yield from done

    def _finish(self, form: Format, task: _Task) -> _Finished:
        item, result, found = task.item, task.result, task.found
        record: dict[str, Any] = {"image_id": item.image_id, "file_name": item.name}
        if item.frame is not None:
            record["frame"] = item.frame
        if found is None or result.image is None:
            record["error"] = _reason(item, result.error)
            return _Finished(record, _outcome(record), None)
        record["height"], record["width"] = found.image_size
        record["count"], record["detections"] = len(found), form.found(item.image_id, found)
        if self.report is not None:
            record["report"] = Report.part(found, result.image, shown=task.shown)
        drawn = None if self.overlays is None else found.draw(result.image, colors=self.colors)
        if drawn is not None and task.overlay is not None and isinstance(item.source, Still):
            write_picture(task.overlay, drawn)
            drawn = None
        return _Finished(record, _outcome(record, result.timings), drawn)

    def _write(self, form: Format, journal: Journal, segmenter: Segmenter) -> None:
        out = Path(os.path.realpath(self.out))
        for left in out.parent.glob(f".{glob.escape(out.name)}.*.tmp"):
            left.unlink()  # of a run that was killed at this point
        failed = (_error(record) for record in journal if "error" in record)
        self.errors.unlink(missing_ok=True)
        first = next(failed, None)
        if first is not None:
            with replacing(self.errors) as file:
                write_lines(file, chain([first], failed))
        if form.images:
            with replacing(self.images) as file:
                write_images(file, _succeeded(journal), segmenter.names or {})
        write_run(self.out, self._settings() | {"network": segmenter.name})
        with replacing(self.out) as file:
            form.write(file, _succeeded(journal))


def select(instances: Instances, classes: Sequence[int] | None, most: int | None) -> Instances:
    """The instances of these classes, at most so many, those with the best scores; their order stays."""
    kept = np.arange(len(instances))
    if classes is not None:
        kept = np.flatnonzero(np.isin(instances.labels, list(classes)))
    if most is not None and len(kept) > most:
        kept = np.sort(kept[np.argsort(-instances.scores[kept], kind="stable")[:most]])
    return instances if len(kept) == len(instances) else instances[kept]


def _succeeded(journal: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record in journal:
        record.pop("report", None)
        if "error" not in record:
            yield record


def _error(record: Mapping[str, Any]) -> dict[str, Any]:
    about = described(record)
    source = {"source": about.pop("file_name")}
    return {**about, **source, "reason": record["error"]}


def labels_of(classes: Sequence[str], names: Mapping[int, str]) -> list[int]:
    """Labels for classes by name or number.

    Raises:
        ValueError: a name that is not among the names.
    """
    known: dict[str, list[int]] = {}
    for label, name in names.items():
        known.setdefault(name, []).append(label)
    strange = next((one for one in classes if one not in known and not one.isdecimal()), None)
    if strange is not None:
        have = ", ".join(names.values()) or "none, so only their numbers will do"
        raise ValueError(f"classes: expected numbers or names this network knows ({have}), got {strange!r}")
    return [label for one in classes for label in known.get(one) or [int(one)]]


def _about(record: Mapping[str, Any]) -> str:
    frame = f", frame {record['frame']}" if "frame" in record else ""
    return f"{record.get('file_name')}{frame}"


def _outcome(record: Mapping[str, Any], timings: Timings | None = None, *, resumed: bool = False) -> Outcome:
    return Outcome(_about(record), record.get("count", 0), record.get("error"), timings, resumed)


def _reason(item: Item, error: Exception | None) -> str:
    """What an error says, without the file's name in front."""
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said = error.strerror
    said = printable(said) if said else type(error).__name__
    return said.removeprefix(f"{item.name}: ")
