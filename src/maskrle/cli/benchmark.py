"""`maskrle benchmark`: what the native path saves on this machine."""

from __future__ import annotations

import os
import platform
import time

from rich.console import Console

from ..benchmark.comparison import COUNT, WAYS, Row, Way, absent, compared
from ..benchmark.machine import cpu_model, load_average, versions
from ..benchmark.timing import SWEEP_BYTES, Spread, brief
from ..benchmark.verdict import Verdict
from ..benchmark.workload import SIZES
from ..native import build_config
from .console import output, table

__all__ = ["benchmark"]

_SECONDS = dict(zip(SIZES, (2.5, 4.0, 9.5), strict=True))
"""For each image size."""
_ALL = 20


def benchmark() -> None:
    """Time the native path against numpy, and against the other tools that are installed, in 20 seconds.

    Scenes are made like those of COCO, with masks of 33 x 33 for 90 classes. All ways are checked to give the
    same masks before the clock runs. One thread; microseconds a mask, and how many times as long as maskrle.
    """
    results = _measured()
    console = output()
    shown = table(console)
    for heading in ("way", *results, ""):
        shown.add_column(heading, justify="right" if heading in SIZES else "left")
    reasons = {way.name: reason for way, reason in absent()}
    for way in WAYS:
        cells = [_cell(row) for row in _of(way, results)] or [""] * len(results)
        shown.add_row(way.name, *cells, reasons.get(way.name, way.what))
    console.print(shown)
    console.print()
    console.print(
        f"microseconds a mask: medians (times maskrle); {COUNT} masks an image, one thread, "
        f"{SWEEP_BYTES >> 20} MB written before each call"
    )
    for way in WAYS[1:]:
        if rows := _of(way, results):
            console.print(f"checked: {way.name}: {_total([row.verdict for row in rows])}")
    for size in SIZES:
        if size not in results:
            console.print(f"left out: {size}, for which this machine would need more than {_ALL} seconds now")
    console.print(_machine())


def _measured() -> dict[str, list[Row]]:
    """Rows by image size; a size that would take too long is left out, but not the first."""
    begun = time.monotonic()
    results: dict[str, list[Row]] = {}
    turn, pixels = 0.0, 1
    with Console(stderr=True).status("") as status:
        for size, (height, width) in SIZES.items():
            # The twin's masks, those of the others, and a turn.
            if time.monotonic() - begun + 3 * turn * height * width / pixels > _ALL:
                break
            status.update(f"images of {size}")
            results[size], turn = compared((height, width), _SECONDS[size])
            pixels = height * width
    return results


def _of(way: Way, results: dict[str, list[Row]]) -> list[Row]:
    return [row for rows in results.values() for row in rows if row.way == way]


def _cell(row: Row) -> str:
    if row.time is None or row.ratio is None:
        return "differs"
    return brief(row.time.median) + ("" if row.way == WAYS[0] else f" ({_times(row.ratio)})")


def _times(ratio: Spread) -> str:
    return f"{ratio.median:,.1f}x" if ratio.median < 10 else f"{ratio.median:,.0f}x"


def _total(verdicts: list[Verdict]) -> Verdict:
    first, *others = verdicts
    for other in others:
        first = first.plus(other)
    return first


def _machine() -> str:
    modules = dict.fromkeys(["maskrle", "numpy", *(name for way in WAYS for name in way.packages)])
    found = ", ".join(f"{name} {version}" for name, version in versions(modules).items())
    load = load_average()
    busy = "" if load is None else f", load {load:.1f}"
    return (
        f"{cpu_model()}, {os.cpu_count()} cores{busy}, {build_config()['backend']} kernel; "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {found}"
    )
