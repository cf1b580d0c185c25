"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["name_file", "replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end, so that a reader never sees half of it.

    After an error, `path` is what it was before. Where `path` is a link, it is about what that leads to.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            if error.filename == str(temporary):
                error.filename = None
            name_file(error, path)
        raise


def name_file(error: OSError, path: Path) -> None:
    """Say in an error which file it is about: what fails to write, on a full disk, does not."""
    if error.errno is not None and error.filename is None:
        error.filename = str(path)
