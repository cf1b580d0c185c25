"""The measurements as Markdown."""

from __future__ import annotations

from amdahl import COUNT, INFERENCE, PUBLISHED, PUBLISHED_GIGAFLOPS, checks, costs, published_inference
from contestants import BASELINE
from latency import Latency
from memory import METHOD, Memory
from pipeline import IMAGE, NETWORK, TARGETS, Pipeline
from results import Results
from scaling import Point
from speed import FLOOR, Row, Speed
from threads import Threads

from maskrle.benchmark.timing import Spread, brief
from maskrle.benchmark.verdict import Verdict


def markdown(results: Results) -> str:
    info = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    parts = [
        "# Masks and boxes to COCO RLE",
        f"{info['cpu']}, {info['cores']} cores, load average {info['load_average']:.1f} before the run; "
        f"{info['date']}; {info['system']}, Python {info['python']}, {versions}.",
    ]
    if results.speed:
        parts += ["## One thread", _SPEED.format(cold=results.speed[0].cold)]
        for count in dict.fromkeys(one.count for one in results.speed):
            parts.append(_speed([one for one in results.speed if one.count == count]))
        parts.append(_checked(results.speed))
    if results.shipped:
        threads = ", ".join(f"{name} {count}" for name, count in info["threads_as_shipped"].items())
        parts += ["## As shipped", _SHIPPED.format(threads=threads or "none"), _speed(results.shipped)]
    if costs(results.speed):
        parts.append(_amdahl(results))
    if results.pipeline:
        parts += ["## In a pipeline", _PIPELINE, *map(_pipeline, results.pipeline)]
    if results.latency:
        parts.append(_latency(results.latency))
    if results.scaling:
        parts.append(_scaling(results.scaling))
    if results.memory:
        parts.append(_memory(results.memory))
    if results.threads:
        parts.append(_threads(results.threads))
    return "\n\n".join(parts) + "\n"


_SPEED = """From `[N, 90, 33, 33]` masks to the list of dicts, CPU time of one thread, masks cold ({cold}).
The floor gathers the channels, writes known runs and makes the dicts, in C: it finds no run. Ratios are
medians of ratios within one round; times are microseconds a mask, median (middle half)."""
_SHIPPED = """The same by the wall clock, with as many threads as libraries take by themselves ({threads});
maskrle takes one thread a call."""
_CHECKED = """### Checked

Against {truth}, byte by byte, in every scene before the clock ran; slow ways in the first of three scenes;
ways with a convention of their own on up to 20 masks, and all masks against maskrle with `paste` set
likewise.
"""
_AMDAHL = f"""## What post-processing costs a server

A core that spends T ms on an image's inference and P ms on post-processing its {COUNT} detections loses
P / (T + P) of its throughput to the latter. T is a core's time."""
_ESTIMATE = f"""`{PUBLISHED}` takes {PUBLISHED_GIGAFLOPS:.0f} GFLOPs an image: at the {{rate}} GFLOP/s that
OpenVINO reached with {{cores}} cores ({{network}}), {{whole:,.0f}} ms of the whole machine or {{one:,.0f}}
ms of a core. An estimate, rather too low: its layers are less even than those measured. A multiply and an
add are taken as two operations."""
_PIPELINE = f"""Images a second of `Segmenter.stream`, with each way in the place of its post-processing;
images of {IMAGE[0]}x{IMAGE[1]} in memory, {COUNT} detections each, ballast networks of
{NETWORK[0]}x{NETWORK[1]}. *Bare* is OpenVINO alone with nothing done with its outputs. Times of stages are
wall time of a worker."""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _ratio(value: Spread | None) -> str:
    return "" if value is None else f"{value.median:.2f}" if value.median < 10 else f"{value.median:,.0f}"


def _speed(cells: list[Speed]) -> str:
    """Ratios first, then times: a column for each image size."""
    sizes = [cell.size for cell in cells]
    best = cells[0].rows[1].name
    floored = cells[0].row(FLOOR).per_mask is not None
    ratios, times = [], []
    for name in (row.name for row in cells[0].rows):
        rows = [cell.row(name) for cell in cells]
        if all(row.per_mask is None for row in rows) and name == FLOOR:
            continue
        over = [_cell(row, _ratio(row.over_floor)) for row in rows] if floored else []
        ratios.append([name, *(_cell(row, _ratio(row.against_maskrle)) for row in rows), *over])
        times.append([name, *(_cell(row, str(row.per_mask)) for row in rows)])
    head = ["way", *(f"time / {best}, {size}" for size in sizes)]
    head += [f"time / floor, {size}" for size in sizes] if floored else []
    return "\n\n".join(
        [f"### N={cells[0].count}", _table(head, ratios), _table(["us a mask", *sizes], times)]
    )


def _cell(row: Row, text: str) -> str:
    return f"absent: {row.absent}" if row.per_mask is None else text


def _checked(speed: list[Speed]) -> str:
    lines = [_CHECKED.format(truth=speed[0].checked_against)]
    for row in speed[0].rows[1:]:
        rows = [cell.row(row.name) for cell in speed]
        verdict = _total([found.verdict for found in rows])
        if verdict is None:
            lines.append(f"- {row.name} ({row.what}): absent: {row.absent}")
            continue
        own = _total([found.own_verdict for found in rows])
        text = str(verdict) if own is None else f"{verdict}; against its own convention: {own}"
        differs = (own or verdict).differing_masks
        lines.append(f"- {row.name} ({row.what}): {text}" + (f" ({row.known})" if differs else ""))
    return "\n".join(lines)


def _total(verdicts: list[Verdict | None]) -> Verdict | None:
    total = None
    for verdict in verdicts:
        if verdict is not None:
            total = verdict if total is None else total.plus(verdict)
    return total


def _amdahl(results: Results) -> str:
    parts = [_AMDAHL]
    columns = {f"T = {milliseconds} ms": float(milliseconds) for milliseconds in INFERENCE}
    if results.throughput is not None:
        found = results.throughput
        one = published_inference(found)
        columns[f"T = {one:,.0f} ms ({PUBLISHED_GIGAFLOPS:.0f} GFLOPs)"] = one
        about = {"rate": found.gigaflops, "cores": found.cores, "network": found.network}
        parts.append(_ESTIMATE.format(**about, one=one, whole=one / found.cores))
    for size, ways in costs(results.speed).items():
        rows = [
            [
                way.name,
                brief(way.milliseconds),
                *(f"{100 * way.share(inference):.2g}%" for inference in columns.values()),
            ]
            for way in ways
        ]
        parts.append(f"{size}:\n\n" + _table(["way", "P, ms", *columns], rows))
    found_checks = checks(results.speed, results.pipeline, results.machine["cores"])
    if found_checks:
        rows = [
            [f"{one.milliseconds} ms", one.name, f"{one.predicted:.1%}", f"{one.measured:.1%}"]
            for one in found_checks
        ]
        head = ["bare inference", "way", "predicted", "in the pipeline below"]
        parts.append(
            "Throughput lost against maskrle's, by this formula and measured:\n\n" + _table(head, rows)
        )
    return "\n\n".join(parts)


def _pipeline(one: Pipeline) -> str:
    rows = []
    for row in one.rows:
        if row.rate is None or row.share is None or row.stages is None:
            rows.append([row.name, f"absent: {row.absent}", *[""] * 6])
            continue
        share = f"**{row.share.median:.3f} ({row.share.low:.3f}-{row.share.high:.3f})**"
        times = [f"{1e3 * seconds:.2f} ms" for seconds in row.stages]
        rows.append(
            [row.name, str(row.rate), share, *times, f"{row.stages.postprocess / sum(row.stages):.1%}"]
        )
    head = [
        "post-processing by",
        "images/s",
        "of bare",
        "read",
        "preprocess",
        "inference",
        "post",
        "its share",
    ]
    return (
        f"### {one.milliseconds} ms an image\n\n{one.convolutions} convolutions, {one.streams} streams, "
        f"{one.workers} workers; bare inference, with {one.requests} requests: {one.bare} images/s; "
        f"{one.bare.samples} rounds. Aimed at: {TARGETS[one.milliseconds]}.\n\n" + _table(head, rows)
    )


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
    head += ["maskrle, us a mask", f"{BASELINE}, us a mask", "ratio"]
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
