"""JSON as all our files have it: results, annotations, journals, records of runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .files import replacing

__all__ = ["json_text", "write_json", "write_list"]


def json_text(content: Any, indent: int | None = None) -> bytes:
    """Content as JSON, on one line unless indented.

    Floats are written with the fewest digits that read back as the same double: equal content gives equal
    bytes. What is not ASCII is escaped.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
    """
    return json.dumps(content, allow_nan=False, indent=indent).encode()


def write_json(path: str | os.PathLike[str], content: Sequence[Any] | dict[str, Any]) -> None:
    """Write results (or annotations) as JSON, one line for each element of a list, whole or not at all.

    Raises:
        ValueError: a number is NaN or infinite, which JSON cannot hold.
        OSError: the file cannot be written.
    """
    with replacing(Path(path)) as file:
        if isinstance(content, dict):
            file.write(json_text(content))
        else:
            write_list(file, content)
        file.write(b"\n")


def write_list(file: BinaryIO, elements: Iterable[Any]) -> None:
    """Write a list as JSON, a line for each element, one in memory at a time.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    before = b"["
    for element in elements:
        file.write(before + json_text(element))
        before = b",\n "
    file.write(b"[]" if before == b"[" else b"]")
