"""`maskrle demo`: a network run on pictures, with overlays and COCO results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from .. import shapes
from ..contracts import CONTRACTS
from ..image import read_image
from ..json_text import write_json
from ..overlays import FileNames, write_picture
from ..preprocess import RESIZES
from ..reference import PASTES
from ..segmenter import Segmenter
from ..stream import Timings
from .console import cell, complain, output, quiet_libraries, reason, say, table

__all__ = ["demo"]

SCENE_SIZES = ((480, 640), (800, 1365), (640, 480), (1080, 1920))
"""(height, width) of the demo's scenes, taken in turn."""


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
    model: Annotated[
        Path | None,
        typer.Option("-m", "--model", help="Model to run instead of the embedded network; needs IMAGE."),
    ] = None,
    device: Annotated[str, typer.Option("-d", "--device", help="OpenVINO device to run it on.")] = "CPU",
    threshold: Annotated[
        float, typer.Option("-t", "--threshold", help="Least score of a detection, 0 to 1.")
    ] = 0.5,
    labels: Annotated[Path | None, typer.Option(help="File of class names, line k for label k.")] = None,
    contract: Annotated[
        str | None,
        typer.Option(help=f"What the model's outputs mean: {', '.join(known.name for known in CONTRACTS)}."),
    ] = None,
    resize: Annotated[
        str, typer.Option(help=f"How pictures become its input: {', '.join(RESIZES)}.")
    ] = "fit",
    paste: Annotated[
        str, typer.Option(help=f"How masks are put into their boxes: {', '.join(PASTES)}.")
    ] = "omz",
) -> None:
    """Run a network and write overlays and COCO results; the embedded one finds drawn shapes."""
    if images and scenes is not None:
        raise typer.BadParameter("--scenes is for generated scenes, not together with IMAGE")
    if model is not None and not images:
        raise typer.BadParameter("--model needs IMAGE: generated scenes are for the embedded network")
    network = shapes.network() if model is None else model
    with quiet_libraries():
        segmenter = Segmenter(network, device, threshold, paste, resize, contract=contract, labels=labels)
    out.mkdir(parents=True, exist_ok=True)
    files = FileNames(out, images or [])
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
        "categories": [{"id": label, "name": name} for label, name in (segmenter.names or {}).items()],
    }
    for image_id, picture in enumerate(_with_progress(pictures, count), start=1):
        if isinstance(picture, Exception):
            complain(reason(picture))
            continue
        try:
            if not rows:
                segmenter(picture.pixels)  # the first inference allocates; keep that out of the timings
            found, timings = segmenter.timed(picture.pixels)
        except (ValueError, RuntimeError) as error:
            complain(f"{picture.name}: {reason(error)}")
            continue
        overlay = files.take(f"{Path(picture.name).stem}-overlay.png")
        write_picture(overlay, found.draw(picture.pixels))
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


def _generated(count: int, files: FileNames) -> Iterator[_Picture]:
    for index in range(count):
        pixels, truth = shapes.scene(index + 1, SCENE_SIZES[index % len(SCENE_SIZES)])
        path = files.take(f"scene-{index + 1}.png")
        write_picture(path, pixels)
        yield _Picture(path.name, pixels, truth.annotations(image_id=0))


def _report(rows: Sequence[_Row], out: Path, *, generated: bool) -> None:
    console = output()
    lines = table(console)
    lines.add_column("image", overflow="fold")
    for title in ("detections", "inference ms", "post-processing ms"):
        lines.add_column(title, justify="right", no_wrap=True)
    lines.add_column("overlay", overflow="fold")
    for row in rows:
        times = (f"{1000 * row.timings.inference:.1f}", f"{1000 * row.timings.postprocess:.2f}")
        # Text, as brackets in a file's name are no markup.
        lines.add_row(cell(row.image), str(row.detections), *times, cell(row.overlay))
    console.print(lines)
    written = ["results.json", "annotations.json", "overlays"] + (["scenes"] if generated else [])
    say(console, f"Written to {out}: {', '.join(written)}")
