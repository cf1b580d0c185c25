"""Folders behind URLs: object stores and whatever else pyarrow or fsspec opens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .sources import IMAGES, VIDEOS

if TYPE_CHECKING:
    import pyarrow.fs

__all__ = ["Store", "is_url", "listed", "opened", "read", "shown", "without_key"]


class Store(NamedTuple):
    """A place in a file system; `files` can be sent to other processes."""

    files: pyarrow.fs.FileSystem
    path: str


def is_url(given: str) -> bool:
    """Whether this is a URL and not a path of this machine."""
    return "://" in given


def opened(url: str) -> Store:
    """What a URL or path of this machine stands for, whether or not it exists.

    Raises:
        ValueError: a scheme that neither pyarrow nor fsspec knows.
        ImportError: fsspec needs another package for it.
        OSError: it cannot be reached.
    """
    import pyarrow as pa
    import pyarrow.fs

    if not is_url(url):
        return Store(pyarrow.fs.LocalFileSystem(), os.path.abspath(url))
    try:
        return Store(*pyarrow.fs.FileSystem.from_uri(url))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        import fsspec

        files, path = fsspec.url_to_fs(url)
        return Store(pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(files)), path)


def listed(url: str) -> list[tuple[str, str]]:
    """The pictures of a URL: their own URLs, for people, and their paths in its file system.

    Those of a folder and of folders within, in the order in which `sources` finds those of a folder of this
    machine; of anything else, the thing itself, whether or not it is a picture.

    Raises:
        ValueError: a folder without pictures, or what has several: a list, annotations or a video.
        as `opened`.
    """
    import pyarrow.fs

    files, path = opened(url)
    name = without_key(url)
    if files.get_file_info(path).type != pyarrow.fs.FileType.Directory:
        if Path(name).suffix.lower() in (".json", ".txt", *VIDEOS):
            raise ValueError(f"input: expected the URL of a picture or folder, got {name}")
        return [(name, path)]
    found = files.get_file_info(pyarrow.fs.FileSelector(path, recursive=True))
    base = path.rstrip("/")
    relative = (
        one.path[len(base) :].lstrip("/")
        for one in found
        if one.type == pyarrow.fs.FileType.File and Path(one.path).suffix.lower() in IMAGES
    )
    pictures = [(f"{name}/{one}", f"{base}/{one}") for one in sorted(relative, key=_walk)]
    if not pictures:
        raise ValueError(f"input: no images in the folder {name}")
    return pictures


def without_key(url: str) -> str:
    """A URL without what is needed to open it: options, and a key, which does not belong into results."""
    scheme, _, rest = url.partition("?")[0].rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def shown(given: str) -> str:
    """What to call a URL or a path of this machine in words to people."""
    return without_key(given) if is_url(given) else given


def _walk(path: str) -> list[tuple[bool, bytes]]:
    """Sorts as a walk comes by: the files of a folder, then the folders in it."""
    *folders, name = path.split("/")
    return [*((True, os.fsencode(folder)) for folder in folders), (False, os.fsencode(name))]


def read(files: pyarrow.fs.FileSystem, path: str) -> bytes:
    """The content of a file.

    Raises:
        OSError: it cannot be read.
    """
    with files.open_input_stream(path) as stream:
        content: Any = stream.read()
    return bytes(content)
