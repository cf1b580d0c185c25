"""Where pictures come from: files, folders, patterns, lists, COCO annotations, videos and cameras."""

from __future__ import annotations

import codecs
import glob
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as short
from threading import Event
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "IMAGES",
    "VIDEOS",
    "Camera",
    "Item",
    "Source",
    "Still",
    "Video",
    "check_inputs",
    "frames_a_second",
    "items",
    "printable",
    "sources",
]

IMAGES = (
    ".avif", ".bmp", ".dib", ".exr", ".gif", ".hdr", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".pic",
    ".png", ".pnm", ".ppm", ".ras", ".sr", ".tif", ".tiff", ".webp",
)  # fmt: skip
"""Suffixes of what is taken out of folders. A file that is named itself may have any."""
VIDEOS = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
_FRAMES_A_SECOND = 25.0
"""Where a video or camera does not say."""

_SEPARATOR = f"[{re.escape(os.sep + (os.altsep or ''))}]"
_ANYWHERE = re.compile(rf"(?:^|{_SEPARATOR})(?P<folders>\*\*)(?:{_SEPARATOR}|$)")


@dataclass(frozen=True)
class Still:
    """A picture in a file; `problem` says why it is not even to be opened."""

    path: Path
    image_id: int | None = None
    name: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Video:
    """A video file: a picture for each frame."""

    path: Path


@dataclass(frozen=True)
class Camera:
    """A camera by its number. It gives frames until `ended` is set."""

    number: int
    ended: Event = field(default_factory=Event, repr=False, compare=False)


Source: TypeAlias = Still | Video | Camera


class Item(NamedTuple):
    """One picture to segment.

    image_id  the annotations', otherwise counted from 1
    name      of the file, or as the annotations have it; `printable`
    frame     which one of a video or camera, from 0
    image     what `Segmenter.stream` takes; an exception where there is nothing to open
    source    where it comes from
    """

    image_id: int
    name: str
    frame: int | None
    image: Path | NDArray[np.uint8] | Exception
    source: Source


def printable(path: str | bytes | os.PathLike[str]) -> str:
    """A path as text that every reader of UTF-8 takes: bytes that are none are written as \\xff."""
    text = os.fsdecode(path)
    try:
        encoded = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair, which JSON can hold, but no file's name
        encoded = text.encode("utf-8", "backslashreplace")
    return encoded.decode("utf-8", "backslashreplace")


def sources(inputs: Sequence[str], images: Path | None = None, overlays: Path | None = None) -> list[Source]:
    """What the inputs of a command line stand for, in their order.

    A folder is searched for images, also in the folders within it, in the order of names; a folder that
    several names lead to is searched once, so links that go round in circles end. A `.json` file is COCO
    annotations: its images, which must lie within its folder. A `.txt` file has a path on each line. Paths in
    either are relative to `images`, or else to the file's own folder. Digits are the number of a camera.
    What does not exist, but has `*`, `?` or `[` in it, is a pattern, `**` being any folders. Anything else is
    a video, by its suffix, or an image, whether or not it can be opened. What a search finds in the folder
    `overlays` is left out: those of an interrupted run are no pictures for the one that takes it up.

    Raises:
        ValueError: a folder, pattern or file without images; a damaged list; annotations together with other
            inputs, whose numbers could be the same.
        OSError: a list cannot be read.
    """
    check_inputs(inputs)
    return [source for one in inputs for source in _of(one, images, overlays)]


def check_inputs(inputs: Sequence[str]) -> None:
    """See to it that no two pictures have the same number.

    Raises:
        ValueError: annotations together with other inputs.
    """
    if len(inputs) > 1 and any(_suffix(one) == ".json" for one in inputs):
        raise ValueError("input: a COCO annotations file cannot be combined with other inputs")


def items(given: Iterable[Source]) -> Iterator[Item]:
    """The pictures of sources, numbered; frames are decoded one after the other as they are asked for."""
    number = 0
    for source in given:
        for name, frame, image in _pictures(source):
            number += 1
            stated = source.image_id if isinstance(source, Still) else None
            yield Item(number if stated is None else stated, name, frame, image, source)


def frames_a_second(source: Source) -> float:
    """How fast a video is to be shown, frames a second."""
    import cv2

    if not isinstance(source, Video):
        return _FRAMES_A_SECOND
    capture = cv2.VideoCapture(str(source.path))
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    capture.release()
    return rate if 0 < rate < 1000 else _FRAMES_A_SECOND  # also where it is NaN


def _of(given: str, images: Path | None, overlays: Path | None) -> list[Source]:
    path = Path(given)
    suffix = _suffix(given)
    if not os.path.lexists(path):
        if given.isdecimal():
            return [Camera(int(given))]
        if glob.has_magic(given):
            found = sorted({name for name in _matching(given) if os.path.isfile(name)})
            named = [_named(path) for path in _outside(overlays, map(Path, found))]
            return _some(named, f"no files match {given}")
    if os.path.isdir(path):
        stills = [Still(one) for one in _outside(overlays, _walk(path))]
        return _some(stills, f"no images in the folder {printable(path)}")
    if suffix == ".json":
        return _some(_annotated(path, images or path.parent), f"no images in {printable(path)}")
    if suffix == ".txt":
        names = path.read_bytes().removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").split(b"\n")
        if any(b"\0" in name for name in names):
            raise ValueError(f"input: {printable(path)} is no list of paths in UTF-8")
        listed = [_named((images or path.parent) / os.fsdecode(name)) for name in names if name.strip()]
        return _some(listed, f"no paths in {printable(path)}")
    return [_named(path)]


def _suffix(path: str | Path) -> str:
    return os.path.splitext(path)[1].lower()


def _some(found: Sequence[Source], otherwise: str) -> list[Source]:
    if not found:
        raise ValueError(f"input: {otherwise}")
    return list(found)


def _named(path: Path) -> Source:
    return Video(path) if _suffix(path) in VIDEOS else Still(path)


def _outside(overlays: Path | None, found: Iterable[Path]) -> Iterator[Path]:
    if overlays is None:
        yield from found
        return
    root = Path(os.path.realpath(overlays))
    inside: dict[Path, bool] = {}
    for path in found:
        if path.parent not in inside:
            real = Path(os.path.realpath(path.parent))
            inside[path.parent] = real.is_relative_to(root)
        if not inside[path.parent]:
            yield path


def _walk(folder: Path) -> Iterator[Path]:
    for at, files in _folders(folder):
        yield from (Path(at, name) for name in sorted(files, key=os.fsencode) if _suffix(name) in IMAGES)


def _folders(folder: str | Path) -> Iterator[tuple[str, list[str]]]:
    """The folder and those within it, each once, in the order of names; and the names of their files."""
    seen: set[tuple[int, int]] = set()
    for at, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
        status = os.stat(at)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort(key=os.fsencode)
        yield at, files


def _matching(pattern: str) -> Iterator[str]:
    """As `glob.glob`, which takes folders for new ones as often as links lead to them, almost without end."""
    anywhere = _ANYWHERE.search(pattern)
    if anywhere is None:
        yield from glob.glob(pattern)
        return
    start, within = pattern[: anywhere.start("folders")], pattern[anywhere.end() :] or "*"
    for folder in filter(os.path.isdir, glob.glob(start) if start else [os.curdir]):
        for at, _ in _folders(folder):
            below = at.removeprefix(folder).split(os.sep)
            if not any(name.startswith(".") for name in below):
                yield from _matching(os.path.join(glob.escape(at), within))


def _raise(error: OSError) -> None:
    raise error


def _annotated(path: Path, root: Path) -> list[Still]:
    try:
        dataset = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"input: {printable(path)} is not JSON: {error}") from None
    listed = dataset.get("images") if isinstance(dataset, dict) else None
    if not isinstance(listed, list):
        raise ValueError(f"input: {printable(path)} is no COCO annotations file: it has no list of images")
    found = [_annotation(path, at, image, root) for at, image in enumerate(listed)]
    if len({one.image_id for one in found}) < len(found):
        raise ValueError(f"input: {printable(path)} has several images of the same id")
    return found


def _annotation(path: Path, at: int, image: Any, root: Path) -> Still:
    number, name = (image.get(key) if isinstance(image, dict) else None for key in ("id", "file_name"))
    whole = isinstance(number, int) and not isinstance(number, bool) and -(2**63) <= number < 2**63
    if not whole or not isinstance(name, str) or not name:
        raise ValueError(
            f"input: images[{at}] of {printable(path)}: expected an integer id of 64 bits and a file_name, "
            f"got id {short(number)} and file_name {short(name)}"
        )
    # By the words alone, before anything is opened: annotations come from elsewhere.
    inside = os.path.normpath(name)
    problem = None
    if not _may_exist(name):
        problem = "not the name of a file"
    elif os.path.splitdrive(inside)[0] or os.path.isabs(inside) or inside.split(os.sep)[0] == os.pardir:
        problem = "leaves the folder of the images"
    shown = printable(name)
    return Still(root / inside, number, shown, None if problem is None else f"{shown}: {problem}")


def _may_exist(name: str) -> bool:
    """Whether the system can be asked for a file of this name."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def _pictures(source: Source) -> Iterator[tuple[str, int | None, Path | NDArray[np.uint8] | Exception]]:
    if isinstance(source, Still):
        name = printable(source.path) if source.name is None else source.name
        image: Path | Exception = source.path
        if source.problem is not None:
            image = ValueError(source.problem)
        elif _may_not_end(source.path):
            image = ValueError(f"{name}: not a file")
        yield name, None, image
        return
    name = printable(source.path) if isinstance(source, Video) else f"camera {source.number}"
    if isinstance(source, Video) and _may_not_end(source.path):
        yield name, None, ValueError(f"{name}: not a file")
        return
    count = 0
    for frame in _frames(source):
        yield name, count, frame
        count += 1
    if count == 0:
        missing = isinstance(source, Video) and not os.path.exists(source.path)
        reason = "No such file or directory" if missing else "nothing that OpenCV can read frames of"
        yield name, None, ValueError(f"{name}: {reason}")


def _may_not_end(path: Path) -> bool:
    """Whether there is something that is no file: a folder, or a pipe or device, which may never end."""
    return os.path.exists(path) and not os.path.isfile(path)  # Path's raise where a name is too long


def _frames(source: Video | Camera) -> Iterator[NDArray[np.uint8]]:
    import cv2

    try:
        capture = cv2.VideoCapture(str(source.path) if isinstance(source, Video) else source.number)
    except (UnicodeEncodeError, cv2.error):  # OpenCV wants names in UTF-8, and numbers of 32 bits
        return
    try:
        while not (isinstance(source, Camera) and source.ended.is_set()):
            there, frame = capture.read()
            if not there:
                return
            yield frame  # type: ignore[misc]
    finally:
        capture.release()
