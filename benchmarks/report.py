"""The measurements as Markdown and JSON."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contestants import versions
from latency import Latency
from measure import Spread
from memory import METHOD, Memory
from scaling import Point
from speed import SizeResult
from threads import Threads

import maskrle


@dataclass
class Results:
    """What was measured; empty where a part was left out."""

    machine: dict[str, Any] = field(default_factory=dict)
    speed: list[SizeResult] = field(default_factory=list)
    latency: Latency | None = None
    scaling: list[Point] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    threads: Threads | None = None


def machine() -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(),
        "maskrle_build": {k: v for k, v in maskrle.build_config().items() if k != "backend"},
        "backends": maskrle.backends(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def jsonable(value: Any) -> Any:
    """Named tuples and dataclasses as dicts."""
    if hasattr(value, "_asdict"):
        return {key: jsonable(part) for key, part in value._asdict().items()}
    if isinstance(value, Results):
        return {key: jsonable(part) for key, part in vars(value).items()}
    if isinstance(value, dict):
        return {key: jsonable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(part) for part in value]
    return value


def markdown(results: Results) -> str:
    info = results.machine
    parts = [
        "# Masks and boxes to COCO RLE",
        f"{info['cpu']}, {info['cores']} cores, load average {info['load_average']:.1f}; {info['date']}; "
        f"Python {info['python']}, " + ", ".join(f"{k} {v}" for k, v in info["versions"].items()) + ".",
    ]
    if results.speed:
        parts.append(_speed(results.speed))
    if results.latency:
        parts.append(_latency(results.latency))
    if results.scaling:
        parts.append(_scaling(results.scaling))
    if results.memory:
        parts.append(_memory(results.memory))
    if results.threads:
        parts.append(_threads(results.threads))
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ratio(value: Spread | None) -> str:
    return "" if value is None else f"{value.median:.2f}" if value.median < 10 else f"{value.median:,.0f}"


def _speed(results: list[SizeResult]) -> str:
    names = [row.name for row in results[0].rows]
    sizes = [result.size for result in results]
    rows = {result.size: {row.name: row for row in result.rows} for result in results}
    best = names[1]
    ratios, times, checks = [], [], []
    for name in names:
        of_sizes = [rows[size][name] for size in sizes]
        if of_sizes[0].absent:
            ratios.append([name, *[f"absent: {of_sizes[0].absent}"] * (2 * len(sizes))])
            times.append([name, *[f"absent: {of_sizes[0].absent}"] * len(sizes)])
            continue
        ratios.append(
            [name, *(_ratio(r.over_floor) for r in of_sizes), *(_ratio(r.against_maskrle) for r in of_sizes)]
        )
        times.append([name, *(str(r.per_mask) for r in of_sizes)])
        if name != "floor":
            own = f"; with maskrle's `paste` set likewise: {of_sizes[0].own_verdict}"
            check = "; ".join(f"{r.verdict}" for r in of_sizes) if _vary(of_sizes) else of_sizes[0].verdict
            checks.append(f"- {name} ({of_sizes[0].what}): {check}{own if of_sizes[0].own_verdict else ''}")
    head = [
        "way",
        *(f"time / floor, {size}" for size in sizes),
        *(f"time / {best}, {size}" for size in sizes),
    ]
    return "\n\n".join(
        [
            f"## Speed: N=100, one thread, masks cold ({results[0].cold}), to the list of dicts",
            "The floor gathers the channels, writes known runs and makes the dicts, in C: it finds no run. "
            "Ratios are medians of ratios within one round.",
            _table(head, ratios),
            "Microseconds of CPU time per mask, median (middle half):",
            _table(["way", *sizes], times),
            f"Compared with {results[0].checked_against}, byte by byte, before the clock ran "
            f"({', '.join(sizes)}):",
            "\n".join(checks),
        ]
    )


def _vary(rows: list[Any]) -> bool:
    return len({row.verdict for row in rows}) > 1


def _latency(latency: Latency) -> str:
    return "\n".join(
        [
            f"## Calls with few masks, {latency.size}",
            "",
            f"- one mask: {latency.one} microseconds a call, ten masks: {latency.ten} (masks cold)",
            f"- no mask: {latency.empty_call} microseconds, {latency.empty_encode} of it to RLEBatch (warm)",
            "- fixed cost by a line through calls with 1 to 32 tiny masks: "
            f"{latency.fixed_cost} microseconds + {latency.tiny_mask} a tiny mask (warm, freeing included)",
        ]
    )


def _scaling(points: list[Point]) -> str:
    rows = []
    for point in points:
        theirs, ratio = point.absent or "", ""
        if point.baseline is not None:
            theirs = str(point.baseline)
            ratio = f"{point.baseline.median / point.maskrle.median:,.0f}"
        grown = point.maskrle.median / points[0].maskrle.median
        cells = [f"{point.pixels / points[0].pixels:.1f}", f"{point.mean_runs:.0f}", f"{grown:.1f}"]
        rows.append([point.size, *cells, str(point.maskrle), theirs, ratio])
    head = ["image", "pixels, relative", "runs a mask", "maskrle, relative"]
    head += ["maskrle, us a mask", "accuracy_checker, us a mask", "ratio"]
    return "## Cost against the size of the image\n\n" + _table(head, rows)


def _memory(memory: list[Memory]) -> str:
    rows = []
    for m in memory:
        if m.absent:
            rows.append([m.name, f"absent: {m.absent}", "", ""])
        else:
            rows.append(
                [m.name, str(m.masks), f"{m.beyond_results / 1e3:,.0f}", f"{m.result_bytes / 1e3:,.0f}"]
            )
    head = ["way", "masks", "peak beyond the results, kB", "results, kB"]
    return f"## Memory of a call on a 4320 x 7680 image\n\n{METHOD}.\n\n" + _table(head, rows)


def _threads(threads: Threads) -> str:
    return (
        f"## Two threads against one, {threads.size}, {threads.cores} cores, wall clock\n\n"
        f"Throughput to RLEBatch x {threads.encode}, on to the dicts x {threads.dicts}; "
        f"the load average before was {threads.load:.1f}"
        + (": the cores were not free, so this says little." if threads.load > 0.5 else ".")
    )
