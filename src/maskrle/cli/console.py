"""What all commands print with: tables on stdout, one-line errors on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..visible import visible

__all__ = ["cell", "complain", "output", "quiet_libraries", "reason", "say", "table", "warn"]

_PLAIN_WIDTH = 10_000
"""Width of output that goes to a file or a pipe: wide enough that no line is ever broken or cut."""


def output() -> Console:
    """Standard output: as wide as the terminal, or without limit."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def table(console: Console) -> Table:
    """A table with a ruled heading on a terminal, in plain columns elsewhere."""
    return Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)


def reason(error: Exception) -> str:
    """What an exception says, with the file where it is about one."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def cell(text: str, style: str = "") -> Text:
    """Text from anywhere as part of a table; brackets in it are no markup."""
    return Text(_one_line(text), style=style)


def say(console: Console, text: str) -> None:
    """A line on a console, however wide."""
    console.print(_one_line(text), markup=False, soft_wrap=True)


def _one_line(text: str) -> str:
    """Text from anywhere, a file's name say, without line breaks and what a terminal would obey."""
    return visible(" ".join(text.split()))


def complain(message: str) -> None:
    """An error on stderr, as one line."""
    print(f"maskrle: error: {_one_line(message)}", file=sys.stderr)


def warn(message: str) -> None:
    """Something to know on stderr, as one line."""
    print(f"maskrle: warning: {_one_line(message)}", file=sys.stderr)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Nothing on stderr: readers of models log there by themselves, line upon line about a damaged file."""
    if sys.stderr is not None:
        sys.stderr.flush()
    with ExitStack() as restore:
        with suppress(OSError):  # where there is no stderr, or nowhere else to write to
            stderr = os.dup(2)
            restore.callback(os.close, stderr)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            restore.callback(os.dup2, stderr, 2)
        yield
