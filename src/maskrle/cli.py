"""The command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from .coco import write_json
from .image import read_image
from .native import __version__
from .segmenter import Segmenter, Timings

__all__ = ["app", "main"]

SCENE_SIZES = ((480, 640), (800, 1365), (640, 480), (1080, 1920))
"""(height, width) of the demo's scenes, taken in turn."""
_PLAIN_WIDTH = 10_000
"""Width of output that goes to a file or a pipe: wide enough that no line is ever broken or cut."""

app = typer.Typer(
    name="maskrle",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Instance segmentation with Mask R-CNN networks on OpenVINO; masks come out as COCO RLE.",
)


class _Picture(NamedTuple):
    """One input of the demo: its name in outputs, its pixels, COCO annotations where the truth is known."""

    name: str
    pixels: NDArray[np.uint8]
    annotations: list[dict[str, Any]]


class _Row(NamedTuple):
    """One line of the demo's table."""

    image: str
    detections: int
    timings: Timings
    overlay: str


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code. Errors are one line on stderr."""
    args = list(sys.argv[1:] if args is None else args) or ["--help"]
    try:
        return int(app(args, prog_name="maskrle", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        _complain(_reason(error))
        return 1
    except Exception as error:
        # Usage errors: a ClickException, which typer's versions keep in different places.
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        _complain(message())
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


@app.command()
def demo(
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="IMAGE", help="Pictures to search; without any, scenes are generated."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Directory for all that is written.")] = Path("maskrle-demo"),
    scenes: Annotated[
        int | None,
        typer.Option(min=1, help="Number of scenes to generate; 4 unless given.", show_default=False),
    ] = None,
) -> None:
    """Run the embedded network, which finds drawn shapes, and write overlays and COCO results."""
    from . import shapes

    if images and scenes is not None:
        raise typer.BadParameter("--scenes is for generated scenes, not together with IMAGE")
    out.mkdir(parents=True, exist_ok=True)
    segmenter = Segmenter(shapes.network())
    segmenter(np.zeros((8, 8, 3), np.uint8))  # the first inference allocates; keep that out of the timings
    files = _FileNames(out, images or [])
    names = dict(enumerate(shapes.CLASSES, start=1))
    pictures: Iterator[_Picture | Exception]
    if images:
        pictures, count = _opened(images), len(images)
    else:
        count = scenes or len(SCENE_SIZES)
        pictures = _generated(count, files)

    rows: list[_Row] = []
    results: list[dict[str, Any]] = []
    dataset: dict[str, list[dict[str, Any]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": label, "name": name} for label, name in names.items()],
    }
    for image_id, picture in enumerate(_with_progress(pictures, count), start=1):
        if isinstance(picture, Exception):
            _complain(_reason(picture))
            continue
        found, timings = segmenter.timed(picture.pixels)
        overlay = files.take(f"{Path(picture.name).stem}-overlay.png")
        _write_png(overlay, found.draw(picture.pixels))
        rows.append(_Row(picture.name, len(found), timings, overlay.name))
        results += found.to_coco(image_id)
        height, width = found.image_size
        image = {"id": image_id, "file_name": picture.name, "height": height, "width": width}
        dataset["images"].append(image)
        for annotation in picture.annotations:
            number = len(dataset["annotations"]) + 1
            dataset["annotations"].append(annotation | {"id": number, "image_id": image_id})
    if rows:
        write_json(out / "results.json", results)
        write_json(out / "annotations.json", dataset)
        _report(rows, out, generated=not images)
    if len(rows) < count:
        raise typer.Exit(1)


def _with_progress(pictures: Iterator[_Picture | Exception], count: int) -> Iterable[_Picture | Exception]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return pictures
    return track(pictures, "Segmenting", count, console=console, transient=True)


def _opened(paths: Sequence[Path]) -> Iterator[_Picture | Exception]:
    for path in paths:
        try:
            yield _Picture(str(path), read_image(path), [])
        except (OSError, ValueError) as error:
            yield error


def _generated(count: int, files: _FileNames) -> Iterator[_Picture]:
    from . import shapes

    for index in range(count):
        pixels, truth = shapes.scene(index + 1, SCENE_SIZES[index % len(SCENE_SIZES)])
        path = files.take(f"scene-{index + 1}.png")
        _write_png(path, pixels)
        yield _Picture(path.name, pixels, truth.annotations(image_id=0))


class _FileNames:
    """Names of files to write, no two alike and none of them an input."""

    def __init__(self, directory: Path, inputs: Sequence[Path]) -> None:
        self._directory = directory
        self._taken = {path.resolve() for path in inputs}

    def take(self, name: str) -> Path:
        path = wanted = self._directory / name
        number = 1
        while path.resolve() in self._taken:
            number += 1
            path = wanted.with_stem(f"{wanted.stem}-{number}")
        self._taken.add(path.resolve())
        return path


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    import cv2

    # Not cv2.imwrite: it returns False where a file cannot be written, and on Windows it mangles some names.
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


def _report(rows: Sequence[_Row], out: Path, *, generated: bool) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    table = Table(box=SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    table.add_column("image", overflow="fold")
    for title in ("detections", "inference ms", "post-processing ms"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("overlay", overflow="fold")
    for row in rows:
        times = (f"{1000 * row.timings.inference:.1f}", f"{1000 * row.timings.postprocess:.2f}")
        # Text, as brackets in a file's name are no markup.
        table.add_row(Text(row.image), str(row.detections), *times, Text(row.overlay))
    console.print(table)
    written = ["results.json", "annotations.json", "overlays"] + (["scenes"] if generated else [])
    console.print(f"Written to {out}: {', '.join(written)}", markup=False, soft_wrap=True)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _complain(message: str) -> None:
    print(f"maskrle: error: {' '.join(message.split())}", file=sys.stderr)
