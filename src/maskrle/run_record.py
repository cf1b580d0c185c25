"""What made a results file: the settings of its run, beside it in `OUT.run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import replacing
from .formats import beside
from .json_text import json_text
from .readers import read_json

__all__ = ["read_run", "recorded", "run_path", "write_run"]


def run_path(out: Path) -> Path:
    """Where the record of a results file is."""
    return beside(out, ".run.json")


def recorded(settings: Mapping[str, Any]) -> bytes:
    """What is in such a record."""
    return json_text(settings, indent=1) + b"\n"


def write_run(out: Path, settings: Mapping[str, Any]) -> None:
    """Write the record of a results file.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(run_path(out)) as file:
        file.write(recorded(settings))


def read_run(out: Path) -> dict[str, Any] | None:
    """The record of a results file; None where there is none.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no record of a run.
    """
    path = run_path(out)
    try:
        record = read_json(path)
    except FileNotFoundError:
        return None
    if not isinstance(record, dict):
        raise ValueError(f"{path}: expected an object")
    return record
