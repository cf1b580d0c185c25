"""How far long work has got: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ..predict import Outcome
from ..stream import Timings
from .console import complain

__all__ = ["Meter", "metered"]

_EVERY = 10.0
"""Seconds from one line to the next."""


class Meter:
    """Counts pictures, and shows it."""

    def __init__(self, total: int | None, bar: Progress | None) -> None:
        self.pictures = self.detections = self.errors = 0
        self.resumed = self.timed = 0
        self.times = Timings(0, 0, 0, 0)
        self._total, self._bar = total, bar
        self._begun = self._told = monotonic()
        self._task = bar.add_task("", total=total, state="") if bar is not None else None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return monotonic() - self._begun

    @property
    def rate(self) -> float:
        """Pictures a second of this run."""
        return (self.pictures - self.resumed) / max(self.seconds, 1e-9)

    def count(self, outcome: Outcome) -> None:
        """One more picture; an error is told at once."""
        self.pictures += 1
        self.detections += outcome.detections
        self.resumed += outcome.resumed
        if outcome.timings is not None:
            self.timed += 1
            self.times = Timings(*map(sum, zip(self.times, outcome.timings, strict=True)))
        if outcome.error is not None:
            self.errors += 1
            if not outcome.resumed:
                complain(f"{outcome.name}: {outcome.error}")
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self.pictures, state=self.summary())
        elif monotonic() - self._told >= _EVERY:
            self._told = monotonic()
            of = "" if self._total is None else f" of {self._total}"
            print(f"maskrle: {self.pictures}{of} images, {self.summary()}", file=sys.stderr)

    def summary(self) -> str:
        """Counts and rate, in words."""
        errors = f"{self.errors} error{'s' * (self.errors != 1)}"
        return f"{self.detections} detections, {errors}, {self.rate:.1f} images/s"


@contextmanager
def metered(total: int | None) -> Iterator[Meter]:
    """A meter that is shown on standard error; `total` is the number of pictures, if known."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Meter(total, None)
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Meter(total, bar)
