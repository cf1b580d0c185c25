"""`maskrle inspect`: what a model is, and what would be done with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from .. import runtime, shapes
from ..binding import Binding, class_names, described, lengths, mismatches, recognise
from ..contracts import CONTRACTS
from ..labels import label_names
from ..preprocess import RESIZES, place
from .console import cell, complain, output, quiet_libraries

if TYPE_CHECKING:
    import openvino

__all__ = ["inspect"]

_SHOWN = 12
"""How many class names to show."""


def inspect(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="MODEL", help="Model file or SavedModel folder; otherwise the embedded one."),
    ] = None,
    device: Annotated[str, typer.Option("-d", "--device", help="OpenVINO device to run it on.")] = "CPU",
    contract: Annotated[
        str | None, typer.Option(help=f"Take this one: {', '.join(known.name for known in CONTRACTS)}.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="File of class names, line k for label k.")] = None,
    image_size: Annotated[
        str, typer.Option(metavar="HxW", help="Height and width of an image to show the preprocessing for.")
    ] = "480x640",
) -> None:
    """Show what a model takes and puts out, which contract it keeps, and what would be done to an image.

    A model that no contract fits gets the reasons, and exit code 1.
    """
    sides = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", image_size)
    if sides is None:
        raise typer.BadParameter(f"--image-size: expected height and width as 480x640, got {image_size!r}")
    names = None if labels is None else label_names(labels)
    import openvino

    core = openvino.Core()
    runtime.check_device(core, device)
    with quiet_libraries():
        network = shapes.network() if model is None else runtime.read_model(core, model)
    console = output()
    _print(console, _ports(network, "the embedded network" if model is None else str(model)))
    try:
        binding = recognise(network, contract)
    except ValueError as error:
        misfits = mismatches(network)
        _print(console, ((known.name, "; ".join(reasons)) for known, reasons in misfits.items()))
        complain(str(error).partition(".\n")[0])
        raise typer.Exit(1) from None
    _print(console, _recognised(binding, names or class_names(network, binding)))
    _print(console, _preprocessing(binding, (int(sides[1]), int(sides[2]))))
    _print(console, _devices(core, device))


def _print(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in lines:
        grid.add_row(cell(name, "bold"), cell(text))
    console.print(grid)
    console.print()


def _ports(model: openvino.Model, name: str) -> Iterator[tuple[str, str]]:
    yield "model", name
    for kind, ports in (("input", model.inputs), ("output", model.outputs)):
        for port in ports:
            yield kind, described(port)


def _recognised(binding: Binding, names: Mapping[int, str] | None) -> Iterator[tuple[str, str]]:
    contract, port = binding.contract, binding.image
    yield "contract", f"{contract.name}: {contract.networks}"
    for name, expected in contract.outputs.items():
        yield "", f"{name} {expected.shape}: {expected.holds}"
    masks = "one for each detection"
    if contract.channels is not None and binding.classes is not None:
        first = contract.channels.first_label
        masks = f"{binding.classes} channels, for labels {first} to {first + binding.classes - 1}"
    yield "masks", masks
    yield "boxes", f"{'fractions' if contract.normalised else 'pixels'} of the network's input"
    white = 255 if port.dtype == "uint8" else contract.white
    yield "image", f"{port.name}: {port.layout}, {contract.color.upper()}, {port.dtype}, 0 to {white:g}"
    if binding.image_info is not None:
        yield (
            "image_info",
            f"height and width of the {'input' if contract.info_of == 'input' else 'resized image'}, 1",
        )
    yield "size", f"{lengths(port.limits[1:])} (height x width)"
    yield "batch", str(port.batch or lengths(port.limits[:1]))
    shown = ", ".join(f"{label} {name}" for label, name in list((names or {}).items())[:_SHOWN])
    more = ", ..." if len(names or {}) > _SHOWN else ""
    # The model does not say which classes it has; there are as many.
    known = "names, assumed" if names is contract.names else "names"
    yield "labels", f"{len(names)} {known}: {shown}{more}" if names else "no names known; see --labels"
    if contract.paste != "omz":
        yield "paste", f"such networks were evaluated with paste={contract.paste!r}; the default is 'omz'"


def _preprocessing(binding: Binding, image_size: tuple[int, int]) -> Iterator[tuple[str, str]]:
    limits = binding.image.limits[1:]
    yield "an image of", f"{_size(image_size)} (height x width)"
    for resize in RESIZES:
        try:
            placement = place(image_size, binding.image.size, resize, limits)
        except ValueError:
            takes = f"inputs of {lengths(limits)}" if None in binding.image.size else "images of its own size"
            yield f"  {resize}", f"refused: the network takes {takes} only"
            continue
        text = f"resized to {_size(placement.resized)}"
        if placement.resized == image_size:
            text = "as it is"
        if placement.resized != placement.network:
            text += f", zeros to the right and below up to {_size(placement.network)}"
        yield f"  {resize}", text


def _devices(core: openvino.Core, device: str) -> Iterator[tuple[str, str]]:
    for name in core.available_devices:
        yield "device", f"{name}: {core.get_property(name, 'FULL_DEVICE_NAME')}"
    has = ", ".join(runtime.precisions(core, device))
    yield "precision", f"{device} has {has}; f32 is taken unless another is chosen"


def _size(size: Iterable[int]) -> str:
    return "x".join(map(str, size))
