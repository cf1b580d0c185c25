"""Overlays in files: a picture for each picture, a video for each video."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .sources import Camera, Item, Source, Still, Video, frames_a_second

__all__ = ["FileNames", "Overlays", "write_picture"]

_LONGEST = 220
"""Bytes of a name before its suffix; systems take 255 of all of it."""
_JPEG_SIDE = 65500
"""The most pixels on a side of a JPEG that its library writes."""


class FileNames:
    """Names of files to write, no two alike and none of them an input."""

    def __init__(self, directory: Path, inputs: Iterable[Path]) -> None:
        self._directory = directory
        self._taken = {os.path.realpath(path) for path in inputs}
        self._numbers: dict[str, int] = {}

    def take(self, name: str) -> Path:
        """A path for this name, with a number where it is taken already, and cut where it is too long."""
        wanted = self._directory / name
        if len(os.fsencode(wanted.stem)) > _LONGEST:
            wanted = wanted.with_stem(os.fsencode(wanted.stem)[:_LONGEST].decode("utf-8", "ignore"))
        path, number = wanted, self._numbers.get(wanted.name, 1)
        if number > 1:
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        while os.path.realpath(path) in self._taken:
            number += 1
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        self._numbers[wanted.name] = number  # not to be counted up to again
        self._taken.add(os.path.realpath(path))
        return path


class Overlays:
    """Where overlays go: NAME-overlay.jpg for a picture, NAME-overlay.mp4 for a video.

    Paths follow from the order of the items alone. Frames must come in their order.

    Raises:
        OSError: the directory cannot be made.
    """

    def __init__(self, directory: Path, inputs: Iterable[Source]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        paths = (source.path for source in inputs if not isinstance(source, Camera) and not _refused(source))
        self._names = FileNames(directory, paths)
        self._video: _VideoFile | None = None

    def path(self, item: Item) -> Path | None:
        """Where the overlay of an item goes; None for all frames but the first, and for what is not to be
        opened. Ask once, in order."""
        if _refused(item.source):
            return None
        if isinstance(item.source, Still):
            return self._names.take(f"{item.source.path.stem}-overlay.jpg")
        if item.frame:
            return None
        stem = item.source.path.stem if isinstance(item.source, Video) else f"camera-{item.source.number}"
        return self._names.take(f"{stem}-overlay.mp4")

    def add(self, item: Item, path: Path | None, drawn: NDArray[np.uint8]) -> None:
        """Write the next frame; `path` with the first one of a video."""
        if path is not None:
            self.close()
            self._video = _VideoFile(path, drawn.shape[:2], frames_a_second(item.source))
        if self._video is not None:
            self._video.add(drawn)

    def close(self) -> None:
        """Finish the video that is being written."""
        if self._video is not None:
            self._video.close()  # where that fails, the file is still to be discarded
            self._video = None

    def discard(self) -> None:
        """Delete the video that is being written, if any."""
        if self._video is not None:
            self._video.discard()
            self._video = None


def write_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a picture as its suffix says, made smaller where it has more pixels on a side than a JPEG can.

    Raises:
        OSError: it cannot be written.
    """
    import cv2

    longest = max(pixels.shape)
    if path.suffix == ".jpg" and longest > _JPEG_SIDE:
        height, width = (max(side * _JPEG_SIDE // longest, 1) for side in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    # Not cv2.imwrite: it returns False where a file cannot be written, and on Windows it mangles some names.
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())


def _refused(source: Source) -> bool:
    return isinstance(source, Still) and source.problem is not None


class _VideoFile:
    def __init__(self, path: Path, size: tuple[int, ...], rate: float) -> None:
        import cv2

        self._path, self._size, self._frames = path, size, 0
        self._temporary = path.with_name(f".{os.getpid()}.{path.name}")  # OpenCV goes by the suffix
        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer: Any = cv2.VideoWriter(str(self._temporary), code, rate, (size[1], size[0]))
        if not self._writer.isOpened():
            raise OSError(f"{path}: OpenCV cannot write this video")

    def add(self, frame: NDArray[np.uint8]) -> None:
        if frame.shape[:2] != self._size:
            raise OSError(f"{self._path}: the frames of a video must have one size")
        self._writer.write(np.ascontiguousarray(frame))
        self._frames += 1

    def close(self) -> None:
        import cv2

        self._writer.release()
        # OpenCV does not say that a disk is full; such a file has no frames, or fewer.
        written = cv2.VideoCapture(str(self._temporary))
        count = int(written.get(cv2.CAP_PROP_FRAME_COUNT))
        written.release()
        if count < self._frames:
            raise OSError(f"{self._path}: OpenCV could not write this video; the disk may be full")
        self._temporary.replace(self._path)

    def discard(self) -> None:
        self._writer.release()
        self._temporary.unlink(missing_ok=True)
