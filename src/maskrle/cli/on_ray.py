"""`maskrle predict --engine ray`: the same on a cluster."""

from __future__ import annotations

from contextlib import nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer

from ..stores import shown
from .console import complain, output, quiet_libraries, say

if TYPE_CHECKING:
    from ..cluster import ClusterRun

__all__ = ["predict_on_ray", "refuse"]


def refuse(**options: Any) -> None:
    """Options that the engine does without must not be given.

    Raises:
        ValueError: one is.
    """
    given = [f"--{name}" for name, value in options.items() if value]
    if given:
        raise ValueError(f"engine: ray does without {', '.join(given)}")


def predict_on_ray(run: ClusterRun) -> None:
    """Carry a run out, and say what came of it; exits with 1 if pictures failed."""
    from ..cluster import check_ray

    check_ray()
    import ray.data

    context = ray.data.DataContext.get_current()
    context.print_on_execution_start = False
    context.enable_progress_bars = output().is_terminal
    pictures = run.pictures()
    begun = monotonic()
    with nullcontext() if output().is_terminal else quiet_libraries():  # Ray tells much about itself
        written = run.run(pictures)
    seconds = monotonic() - begun
    out = shown(run.out).rstrip("/")
    for name, error in written.told:
        complain(f"{name}: {error}")
    if written.errors > len(written.told):
        complain(f"{written.errors - len(written.told)} more errors are in {out}/pictures")
    console = output()
    say(
        console,
        f"{written.pictures} images, {written.detections} detections, {written.errors} errors, "
        f"{written.pictures / seconds:.1f} images/s, {seconds:.1f} s",
    )
    say(console, f"Written: {out}/detections, {out}/pictures, {out}/detections.run.json")
    if written.errors:
        raise typer.Exit(1)
