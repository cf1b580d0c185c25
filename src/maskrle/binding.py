"""Which contract a model keeps, where it keeps its inputs and outputs, and why other contracts do not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .contracts import CONTRACTS, Contract, Output
from .labels import model_labels

if TYPE_CHECKING:
    import openvino

__all__ = [
    "Binding",
    "ImageInput",
    "Limits",
    "bind",
    "class_names",
    "described",
    "fits_shape",
    "inside",
    "lengths",
    "listing",
    "mismatches",
    "recognise",
]

LAYOUTS = {"NCHW": 1, "NHWC": 3}
"""Layouts of an image input, and where the colour channels are."""
Limits: TypeAlias = tuple[int, int | None]
"""(least, most) length of a side; most is None where there is no limit."""
_REAL = ("f32", "f16")
_WHOLE = ("i32", "i64", "u8", "i8", "u32", "u64", "i16", "u16")


@dataclass(frozen=True)
class ImageInput:
    """A model's input for pictures.

    index    among the model's inputs
    name     its name
    layout   "NCHW" or "NHWC"
    batch    number of images, None where dynamic
    size     (height, width) in pixels, None where dynamic
    dtype    "float32" or "uint8"
    limits   (least, most) of batch, height and width; most is None where there is no limit
    """

    index: int
    name: str
    layout: str
    batch: int | None
    size: tuple[int | None, int | None]
    dtype: str
    limits: tuple[Limits, Limits, Limits] = ((0, None),) * 3

    def fed(self, pictures: int) -> int:
        """How many images the input gets for so many pictures."""
        return self.batch or max(pictures, self.limits[0][0])

    def most(self, otherwise: int) -> int:
        """How many pictures to put into the input at once; about `otherwise` where it is dynamic."""
        least, most = self.limits[0]
        return self.batch or max(least, min(otherwise, most or otherwise))


@dataclass(frozen=True)
class Binding:
    """A contract together with where a model keeps its inputs and outputs.

    contract     the contract
    image        the image input
    image_info   index of the image_info input, or None
    info_rows    number of its rows, None where dynamic: one for each image, or one for all of them
    outputs      output name of the contract -> index of the output
    classes      number of class channels in the masks; None where there are none, or the model does not say
    mask_size    (height, width) of the masks, None where dynamic
    selected     whether the model itself picks each row's channel
    """

    contract: Contract
    image: ImageInput
    image_info: int | None
    outputs: Mapping[str, int]
    info_rows: int | None = None
    classes: int | None = None
    mask_size: tuple[int | None, int | None] = (None, None)
    selected: bool = False


class Mismatch(ValueError):
    """A contract does not fit a model, for `reasons`."""

    def __init__(self, contract: Contract, reasons: Sequence[str]) -> None:
        super().__init__(f"contract {contract.name} does not fit this model: {'; '.join(reasons)}")
        self.reasons = reasons


def recognise(model: openvino.Model, contract: str | Contract | None = None) -> Binding:
    """Bind a model to a contract: the given one, or the only one of `CONTRACTS` that fits.

    Raises:
        ValueError: no contract fits, or several do; the message lists the model's inputs and outputs, and
            what each contract would need. Or an unknown name, or a given contract that does not fit.
        TypeError: contract is neither a name nor a `Contract`.
    """
    has = f"Inputs: {listing(model.inputs)}.\nOutputs: {listing(model.outputs)}."
    if contract is not None:
        try:
            return bind(_given(contract), model)
        except Mismatch as mismatch:
            raise ValueError(f"{mismatch}.\n{has}") from None
    misfits = mismatches(model)
    fitting = [known for known in CONTRACTS if known not in misfits]
    if len(fitting) == 1:
        return bind(fitting[0], model)
    said = "no known contract fits this model"
    if fitting:
        names = " and ".join(known.name for known in fitting)
        said = f"{names} fit this model: choose one with contract= or --contract"
    needs = [
        f"{known.name} needs {_needs(known)}"
        + (f"; but {'; '.join(misfits[known])}." if known in misfits else ".")
        for known in CONTRACTS
    ]
    raise ValueError("\n".join([f"{said}.", has, *needs]))


def mismatches(model: openvino.Model) -> dict[Contract, Sequence[str]]:
    """Which of `CONTRACTS` do not fit a model, and why."""
    found: dict[Contract, Sequence[str]] = {}
    for contract in CONTRACTS:
        try:
            bind(contract, model)
        except Mismatch as mismatch:
            found[contract] = mismatch.reasons
    return found


def bind(contract: Contract, model: openvino.Model) -> Binding:
    """Find a contract's inputs and outputs in a model, by exact names (less a `:0` suffix), shapes and types.

    Raises:
        Mismatch: the contract does not fit.
    """
    outputs = _indices(model.outputs)
    missing = [name for name in contract.outputs if name not in outputs]
    reasons = [f"there is no output {', '.join(missing)}"] if missing else []
    for name, expected in contract.outputs.items():
        if name in outputs:
            reasons += _output_misfits(name, expected, model.outputs[outputs[name]])
    inputs = _indices(model.inputs)
    info = inputs.get(contract.image_info) if contract.image_info else None
    info_rows = None
    if info is not None and _takes_info(model.inputs[info]):
        info_rows = (_dimensions(model.inputs[info]) or [None])[0]
    elif info is not None:
        reasons.append(
            f"input {contract.image_info}: expected f32 [B, 3], got {described(model.inputs[info])}"
        )
    image = _image_index(contract, model, inputs)
    if image is None:
        names = f" ({' or '.join(contract.images)})" if contract.images else ""
        reasons.append(f"there is no one image input of four dimensions{names}")
    else:
        strangers = [port for at, port in enumerate(model.inputs) if at not in (image, info)]
        if strangers:
            reasons.append(f"nothing is known to put into {listing(strangers)}")
        found = _image_input(contract, model.inputs[image], image, info_rows)
        if isinstance(found, ImageInput) and not reasons:
            at = {name: outputs[name] for name in contract.outputs}
            classes, height, width = (_mask_side(contract, model, at, side) for side in "Chw")
            return Binding(contract, found, info, at, info_rows, classes, (height, width))
        reasons += [found] if isinstance(found, str) else []
    raise Mismatch(contract, reasons)


def class_names(model: openvino.Model, binding: Binding) -> Mapping[int, str] | None:
    """Label -> name: the model's own, or the contract's if the masks are not of another number of classes."""
    own, usual = model_labels(model), binding.contract.names
    if own or usual is None or binding.classes is None or binding.contract.channels is None:
        return own or usual
    return usual if max(usual) == binding.contract.channels.first_label + binding.classes - 1 else None


def fits_shape(expected: str, dimensions: Sequence[int | None] | None) -> bool:
    """Whether dimensions can be those of an `Output.shape`. None is a dynamic one, or a dynamic rank."""
    return dimensions is None or any(
        len(sides) == len(dimensions)
        and all(
            has is None or not want.isdigit() or int(want) == has
            for want, has in zip(sides, dimensions, strict=True)
        )
        for sides in _alternatives(expected)
    )


def inside(length: int, limits: Limits) -> bool:
    """Whether a side may have this length."""
    least, most = limits
    return least <= length and (most is None or length <= most)


def lengths(limits: Sequence[Limits]) -> str:
    """The lengths that sides may have, in words: "480x640", "dynamicxdynamic", "10..100x32..dynamic"."""
    return "x".join(map(_length, limits))


def listing(ports: Sequence[Any]) -> str:
    """Names, types and shapes of inputs or outputs, in one line."""
    return ", ".join(map(described, ports)) or "none"


def described(port: Any) -> str:
    """Names, type and shape of one input or output."""
    names = " = ".join(_names(port)) or "unnamed"
    return f"{names} {port.get_element_type().get_type_name()} {port.get_partial_shape()}"


def _given(contract: str | Contract) -> Contract:
    if isinstance(contract, Contract):
        return contract
    if not isinstance(contract, str):
        raise TypeError(f"contract: expected a name or a maskrle.Contract, got {type(contract).__name__}")
    known = {one.name: one for one in CONTRACTS}
    if contract not in known:
        raise ValueError(f"contract: expected one of {', '.join(map(repr, known))}, got {contract!r}")
    return known[contract]


def _length(limits: Limits) -> str:
    least, most = limits
    if least == most:
        return str(least)
    end = "dynamic" if most is None else str(most)
    return f"{least}..{end}" if least > 1 or most is not None else end


def _needs(contract: Contract) -> str:
    image = " or ".join(contract.images) or "the only one of four dimensions"
    takes = f" (and takes {contract.image_info})" if contract.image_info else ""
    outputs = ", ".join(f"{name} {output.shape}" for name, output in contract.outputs.items())
    return f"the input {image}{takes} and the outputs {outputs}"


def _output_misfits(name: str, expected: Output, port: Any) -> list[str]:
    kind = port.get_element_type().get_type_name()
    if kind not in (_REAL + _WHOLE if expected.whole else _REAL):
        types = "a float or integer type" if expected.whole else "f32 or f16"
        return [f"output {name}: expected {types}, the model has {kind}"]
    if not fits_shape(expected.shape, _dimensions(port)):
        return [f"output {name}: expected {expected.shape}, the model has {port.get_partial_shape()}"]
    return []


def _takes_info(port: Any) -> bool:
    return port.get_element_type().get_type_name() == "f32" and fits_shape("[B, 3]", _dimensions(port))


def _image_index(contract: Contract, model: openvino.Model, inputs: Mapping[str, int]) -> int | None:
    for name in contract.images:
        if name in inputs:
            return inputs[name]
    of_four = [at for at, port in enumerate(model.inputs) if len(_dimensions(port) or ()) == 4]
    return of_four[0] if len(of_four) == 1 else None


def _image_input(contract: Contract, port: Any, index: int, info_rows: int | None) -> ImageInput | str:
    """The image input, or why it is none."""
    name = (_names(port) or ["the image input"])[0]
    kind, dimensions = port.get_element_type().get_type_name(), _dimensions(port)
    if kind not in ("f32", "u8"):
        return f"input {name}: expected f32 or u8, the model has {kind}"
    if dimensions is None or len(dimensions) != 4:
        shape = port.get_partial_shape()
        return f"input {name}: expected [B, 3, h, w] or [B, h, w, 3], the model has {shape}"
    layout = _layout(port, dimensions)
    if layout is None:
        return (
            f"input {name}: where in {port.get_partial_shape()} are the colour channels? "
            "Set the layout of the model's input to NCHW or NHWC"
        )
    limits = [_limits(side) for side in port.get_partial_shape()]
    of_batch, of_height, of_width = (limits[layout.index(side)] for side in "NHW")
    batch = dimensions[0]
    if info_rows not in (None, 1, batch):  # a size for each image
        if batch is not None or not inside(info_rows or 0, of_batch):
            shape = port.get_partial_shape()
            return (
                f"input {contract.image_info}: it takes {info_rows} sizes, for the images of {name} {shape}"
            )
        batch = info_rows
    least = batch or of_batch[0]
    if least > 1 and not contract.batches:
        return f"input {name}: it takes {least} images, and no output says which of them a row belongs to"
    height, width = (dimensions[layout.index(side)] for side in "HW")
    if 0 in (batch, height, width):
        return f"input {name}: the model has {port.get_partial_shape()}, without pixels"
    dtype = "uint8" if kind == "u8" else "float32"
    return ImageInput(index, name, layout, batch, (height, width), dtype, (of_batch, of_height, of_width))


def _layout(port: Any, dimensions: Sequence[int | None]) -> str | None:
    sure = [name for name, at in LAYOUTS.items() if dimensions[at] == 3]
    if len(sure) == 1:
        return sure[0]
    said = str(port.get_node().get_layout()).strip("[]").replace(",", "").upper()
    return said if said in LAYOUTS and dimensions[LAYOUTS[said]] in (3, None) else None


def _mask_side(
    contract: Contract, model: openvino.Model, outputs: Mapping[str, int], side: str
) -> int | None:
    """The length of a side that `Output.shape` calls C, h or w; None where it is dynamic or there is none."""
    if contract.channels is None and side == "C":
        return None
    names = contract.outputs if contract.channels is None else (contract.channels.masks,)
    for name in names:
        dimensions = _dimensions(model.outputs[outputs[name]]) or []
        for sides in _alternatives(contract.outputs[name].shape):
            if len(sides) == len(dimensions) and side in sides:
                return dimensions[sides.index(side)]
    return None


def _alternatives(shape: str) -> list[list[str]]:
    """The sides of each shape in an `Output.shape`."""
    return [re.findall(r"\w+", one) for one in shape.split(" or ")]


def _dimensions(port: Any) -> list[int | None] | None:
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic:
        return None
    return [side.get_length() if side.is_static else None for side in shape]


def _limits(side: Any) -> Limits:
    most = side.get_max_length()
    return side.get_min_length(), None if most < 0 else most


def _names(port: Any) -> list[str]:
    """Names of a tensor, without `:0`."""
    return sorted({name.removesuffix(":0") for name in port.get_names()})


def _indices(ports: Sequence[Any]) -> dict[str, int]:
    return {name: index for index, port in enumerate(ports) for name in _names(port)}
