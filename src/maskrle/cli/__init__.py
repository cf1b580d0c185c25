"""The command line: one module for each command."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from ..native import __version__
from .benchmark import benchmark
from .console import complain, reason
from .demo import demo
from .evaluate import evaluate
from .inspect import inspect
from .predict import predict
from .scenes import scenes

__all__ = ["app", "main"]

app = typer.Typer(
    name="maskrle",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Instance segmentation with Mask R-CNN networks on OpenVINO; masks come out as COCO RLE.",
)
for command in (demo, predict, evaluate, scenes, inspect, benchmark):
    app.command()(command)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Errors are one line on stderr."""
    args = list(sys.argv[1:] if args is None else args) or ["--help"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have letters that it has not
    try:
        return int(app(args, prog_name="maskrle", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return 130
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        complain(reason(error))
        return 1
    except Exception as error:
        # Usage errors: a ClickException, which typer's versions keep in different places.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        complain(message())
        return int(getattr(error, "exit_code", 2))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"maskrle {__version__}")
        raise typer.Exit


@app.callback()
def _maskrle(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
