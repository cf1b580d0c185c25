"""`maskrle scenes`: generated scenes as a COCO data set, and the embedded network's accuracy on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from ..dataset import write_scenes
from ..formats import beside
from ..sources import printable
from .evaluate import report
from .predict import predict

__all__ = ["scenes"]


def scenes(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder for all that is written.", show_default=False)
    ],
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of scenes.")] = 200,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Predict them with the embedded network and evaluate that.")
    ] = False,
) -> None:
    """Write generated scenes with COCO annotations: DIR/images, DIR/annotations.json.

    The embedded network was not trained on them. The same number gives the same files.
    """
    console = Console(stderr=True)
    written = write_scenes(directory, count)
    shown = track(written, "Drawing", count, console=console, transient=True, disable=not console.is_terminal)
    objects = sum(shown)
    annotations, results = directory / "annotations.json", directory / "results.json"
    typer.echo(f"{count} scenes with {objects} objects; written: {printable(annotations)}")
    if evaluate:
        beside(results, ".partial").unlink(missing_ok=True)  # of scenes that are written anew
        predict([str(annotations)], str(results), threshold=0.0)
        report(results, annotations, per_class=True)
