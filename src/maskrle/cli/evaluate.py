"""`maskrle evaluate`: COCO's average precision of a results file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import evaluate as evaluation
from .console import output, table

__all__ = ["evaluate"]


def evaluate(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="COCO results, a JSON file.")],
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS", help="COCO annotations of the same images, a JSON file.")
    ],
) -> None:
    """Print COCO's average precision and recall of boxes and masks."""
    measured = evaluation.evaluate(results, annotations)
    console = output()
    rows = table(console)
    rows.add_column("metric")
    for kind in measured:
        rows.add_column(kind, justify="right")
    for metric in evaluation.METRICS:
        values = [one.metrics[metric] for one in measured.values()]
        rows.add_row(metric, *("-" if value < 0 else f"{value:.4f}" for value in values))
    console.print(rows)
