"""`maskrle evaluate`: COCO's average precision of a results file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..cautions import cautions
from ..curves import check_curves, draw_curves
from ..evaluate import METRICS, Evaluation, Loaded, load, measure
from ..published import PUBLISHED, Published
from ..run_record import read_run
from ..sources import printable
from .console import cell, output, say, table, warn

__all__ = ["evaluate", "report"]

_NARROW = 108
"""Columns that the table of classes takes; a terminal that has fewer breaks its lines."""


def evaluate(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS",
            help="Results as predict writes them: .json (COCO), .jsonl, .parquet, or a folder of .parquet.",
            show_default=False,
        ),
    ],
    annotations: Annotated[
        Path,
        typer.Argument(
            metavar="ANNOTATIONS", help="COCO annotations of the same images, .json.", show_default=False
        ),
    ],
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Also show the numbers of each class.")
    ] = False,
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw precision-recall curves: .png, .svg, .pdf.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            help="Network that the results are of, for its published accuracy; otherwise as RESULTS.run.json "
            f"says. Known: {', '.join(PUBLISHED)}.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print COCO's average precision and recall of boxes and masks."""
    if model is not None and model not in PUBLISHED:
        raise ValueError(
            f"model: expected a network with published accuracy ({', '.join(PUBLISHED)}), got {model!r}"
        )
    report(results, annotations, per_class=per_class, curves=curves, model=model)


def report(
    results: Path,
    annotations: Path,
    *,
    per_class: bool = False,
    curves: Path | None = None,
    model: str | None = None,
) -> None:
    """Measure, and print what came out."""
    if curves is not None:
        check_curves(curves)
    run = read_run(results)
    loaded = load(results, annotations)
    for caution in cautions(loaded.found, loaded.truth, run):
        warn(caution)
    measured = measure(loaded)
    console = output()
    name = model or str((run or {}).get("network"))
    _print_metrics(console, measured, name)
    if per_class:
        for kind, one in measured.items():
            _print_classes(console, kind, one, loaded.truth)
    say(console, _extent(loaded))
    if curves is not None:
        draw_curves(curves, measured, f"{results.name}: precision and recall, means over classes")
        say(console, f"Written: {printable(curves)}")


def _print_metrics(console: Console, measured: Mapping[str, Evaluation], name: str) -> None:
    published: Published | None = PUBLISHED.get(name)
    rows = table(console)
    rows.add_column("metric")
    for kind in measured:
        rows.add_column(kind, justify="right")
    if published is not None:
        for kind in measured:
            rows.add_column(f"published {kind}", justify="right")
    for metric in METRICS:
        values = [_shown(one.metrics[metric]) for one in measured.values()]
        if published is not None:
            values += [_shown(published.ap[kind]) if metric == "AP" else "" for kind in measured]
        rows.add_row(metric, *values)
    console.print(rows)
    if published is not None:
        say(console, f"Published: {name}, {published.where}")


def _print_classes(console: Console, kind: str, one: Evaluation, truth: Mapping[str, Any]) -> None:
    names = {category["id"]: category.get("name", category["id"]) for category in truth["categories"]}
    counts = dict.fromkeys(names, 0)
    for annotation in truth["annotations"]:
        if annotation["category_id"] in counts and not annotation.get("iscrowd"):
            counts[annotation["category_id"]] += 1
    rows = table(console)
    rows.add_column(kind, overflow="fold")
    rows.add_column("objects", justify="right", no_wrap=True)
    for metric in METRICS:
        rows.add_column(_short(metric), justify="right", no_wrap=True)
    for label, metrics in one.by_class.items():
        values = (_shown(value) for value in metrics.values())
        rows.add_row(cell(str(names[label])), str(counts[label]), *values)
    console.print(rows, width=max(console.width, _NARROW))


def _short(metric: str) -> str:
    """AP small -> APs, as COCO's own tables have it."""
    what, _, which = metric.partition(" ")
    return what + (which[0] if which.isalpha() else which)


def _shown(value: float) -> str:
    return "-" if value < 0 else f"{value:.4f}"


def _extent(loaded: Loaded) -> str:
    images = len({one["image_id"] for one in loaded.found})
    annotated = len(loaded.truth["images"])
    return f"{len(loaded.found)} detections in {images} of {annotated} annotated images"
