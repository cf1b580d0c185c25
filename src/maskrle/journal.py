"""What a run has finished so far: a file that survives being killed at any instant."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from .files import name_file
from .json_text import json_text

__all__ = ["Journal"]

_SYNC = 5.0
"""Seconds from one fsync to the next: what a power failure can cost. Being killed costs nothing written."""


class Journal:
    """Records of finished pictures, in their order: JSON, one a line, after a line about the run.

    A record is there from the moment `append` returns. Whatever killed a run, what it left are whole lines
    and perhaps a piece of one at the end, which is dropped when the run is taken up again.

    Args:
        path: the file; it must not exist, unless `resume`.
        run: what decides the results; a run can be taken up again only with the same.
        resume: take up what is there; without such a file, begin.

    Raises:
        FileExistsError: there is one already, and it is not to be taken up.
        ValueError: another process is writing it, or it is of another run, or no journal at all.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, run: dict[str, Any], *, resume: bool) -> None:
        self.path = path
        self.count = 0
        self._synced = monotonic()
        fresh = not (resume and path.exists())
        self._file: BinaryIO = open(path, "x+b" if fresh else "r+b", buffering=0)  # noqa: SIM115
        try:
            _lock(self._file)
            header = json_text({"run": run}) + b"\n"
            self._end = 0 if fresh else self._take_up(header)
            if self._end == 0:
                self._write(header)
        except BlockingIOError:
            self._file.close()
            raise ValueError(f"{path}: another run is writing it") from None
        except BaseException:
            self._file.close()
            if fresh:
                path.unlink()
            raise

    def append(self, record: dict[str, Any]) -> None:
        """Add one finished picture.

        Raises:
            OSError: the disk is full, say. The records before are safe.
        """
        self._write(json_text(record) + b"\n")
        self.count += 1
        if monotonic() - self._synced > _SYNC:
            os.fsync(self._file.fileno())
            self._synced = monotonic()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The records, one in memory at a time."""
        with open(self.path, "rb") as file:
            file.readline()
            for _ in range(self.count):
                yield json.loads(file.readline())

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the file for a run to come, unless it is removed or has nothing in it."""
        if self._file.closed:
            return
        if self.count == 0:
            self.remove()
            return
        self._file.truncate(self._end)
        os.fsync(self._file.fileno())
        self._file.close()

    def remove(self) -> None:
        """Delete the file: all of it is elsewhere now."""
        self.path.unlink()
        self._file.close()

    def _write(self, line: bytes) -> None:
        self._file.seek(self._end)
        written = 0
        try:
            while written < len(line):  # a disk that fills up takes a part
                written += self._file.write(line[written:])
        except OSError as error:
            name_file(error, self.path)
            raise
        self._end += len(line)

    def _take_up(self, header: bytes) -> int:
        """Check what is there, and cut off what is not whole; returns where it ends."""
        end = 0
        with open(self.path, "rb") as file:
            first = file.readline()
            if first != header and not (header.startswith(first) and not file.read(1)):
                raise ValueError(f"{self.path}: {_difference(first, header)}")
            if first == header:
                end = len(header)
                for line in file:
                    if _parsed(line) is None:
                        break
                    self.count += 1
                    end += len(line)
        self._file.truncate(end)
        return end


if sys.platform == "win32":

    def _lock(file: BinaryIO) -> None:
        """An open file can be neither locked nor removed as `Journal` does it."""
        raise OSError("runs that can be resumed need the files of Linux or macOS")

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Have a file for this process alone, until that ends, however it ends."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _difference(first: bytes, header: bytes) -> str:
    was, run = ((_parsed(line) or {}).get("run") for line in (first, header))
    if not isinstance(was, dict) or run is None:
        return "not the journal of a run"
    name = next(name for name in [*run, *was] if was.get(name) != run.get(name))
    return (
        f"the interrupted run had {name} {was.get(name)!r}, this one has {run.get(name)!r}; "
        "repeat its options, or delete the file to begin anew"
    )
