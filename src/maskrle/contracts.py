"""Output contracts: which tensors a family of networks has, and what the numbers in them mean.

A contract is one `Contract` in `CONTRACTS`. `recognise` finds the one a model keeps, by exact tensor names;
`Binding.detections` turns one inference into detections, with every row that is kept checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import openvino

__all__ = ["CONTRACTS", "OMZ_TF", "Binding", "Contract", "Detections", "recognise"]


class Rows(NamedTuple):
    """What a network says about one image, a row per candidate: views of outputs, nothing checked yet."""

    labels: NDArray[Any]
    scores: NDArray[Any]
    boxes: NDArray[Any]
    masks: NDArray[Any]


@dataclass(frozen=True)
class Contract:
    """What one family of networks takes and puts out.

    name          what the contract is called
    image         input with the picture, float [1, 3, h, w], BGR, 0 to 255; its size is static
    image_info    input with (h, w, 1), float [1, 3]; a model may lack it
    outputs       output name -> what it holds; other outputs of a model are ignored
    normalised    boxes are fractions of the network's input, otherwise pixels of it
    first_label   label of channel 0 of the masks; None where the masks hold one class only
    read          outputs by name -> `Rows` of the first image, boxes as x_min, y_min, x_max, y_max
    """

    name: str
    image: str
    image_info: str | None
    outputs: Mapping[str, str]
    normalised: bool
    first_label: int | None
    read: Callable[[Mapping[str, NDArray[Any]]], Rows] = field(repr=False)


def _read_omz_tf(outputs: Mapping[str, NDArray[Any]]) -> Rows:
    table, masks = outputs["reshape_do_2d"], outputs["masks"]
    if table.ndim == 2 and len(table):
        ends = np.flatnonzero(table[:, 0] == -1)
        table = table[: ends[0]] if len(ends) else table
    if table.ndim != 2 or table.shape[1] != 7 or masks.ndim != 4 or len(masks) < len(table):
        raise ValueError(
            "contract omz-tf: expected reshape_do_2d [N, 7] and masks [N, C, h, w], "
            f"got shapes {list(outputs['reshape_do_2d'].shape)} and {list(masks.shape)}"
        )
    foreign = table[:, 0] != 0
    if foreign.any():
        row = int(np.argmax(foreign))
        raise ValueError(
            f"contract omz-tf: row {row} has image_id {table[row, 0]}, expected 0 (or -1, the end)"
        )
    return Rows(labels=table[:, 1], scores=table[:, 2], boxes=table[:, 3:7], masks=masks[: len(table)])


OMZ_TF = Contract(
    name="omz-tf",
    image="image_tensor",
    image_info="image_info",
    outputs={
        "reshape_do_2d": "[N, 7]: image_id, label, confidence, x_min, y_min, x_max, y_max",
        "masks": "[N, C, h, w]: class probabilities, channel = label - 1",
    },
    normalised=True,
    first_label=1,
    read=_read_omz_tf,
)
"""Networks of the TensorFlow Object Detection API as Open Model Zoo converts them."""

CONTRACTS = (OMZ_TF,)


@dataclass(frozen=True)
class Detections:
    """Detections that passed the score threshold, in the network's units.

    labels     int64 [n]
    scores     float32 [n]
    boxes      float32 [n, 4], x_min, y_min, x_max, y_max as the contract has them
    masks      [n, C, h, w] with `channels`, or [n, h, w]; a view of the network's output where possible
    channels   int64 [n], 0-based channel of each mask, or None
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    masks: NDArray[Any]
    channels: NDArray[np.int64] | None


@dataclass(frozen=True)
class Binding:
    """A contract together with where a model keeps its inputs and outputs.

    contract     what was recognised
    size         (height, width) of the network's input, pixels
    image        index of the image input
    image_info   index of the image_info input, or None
    outputs      output name of the contract -> index of the output
    """

    contract: Contract
    size: tuple[int, int]
    image: int
    image_info: int | None
    outputs: Mapping[str, int]

    def detections(self, outputs: Mapping[str, NDArray[Any]], score_threshold: float) -> Detections:
        """Read one inference: keep the rows with a score of at least `score_threshold`.

        The masks are not copied: kept rows that come first are a slice; otherwise only the plane of each kept
        row's own channel is gathered. Labels and boxes of other rows are never looked at.

        Raises:
            ValueError: outputs of other shapes than the contract's, a score that is not finite, a kept row
                whose label is not a whole number or has no channel.
        """
        rows = self.contract.read(outputs)
        scores = np.asarray(rows.scores, np.float32)
        finite = np.isfinite(scores)
        if not finite.all():
            row = int(np.argmin(finite))
            raise ValueError(f"contract {self.contract.name}: row {row} has score {scores[row]}")
        kept = np.flatnonzero(scores >= score_threshold)
        labels = self._labels(rows.labels[kept], kept)
        boxes = np.ascontiguousarray(rows.boxes[kept], np.float32)
        masks, channels = rows.masks, None
        if self.contract.first_label is not None:
            channels = self._channels(labels, masks.shape[1], kept)
        elif masks.ndim == 4:
            masks = masks[:, 0]
        if len(kept) == 0 or kept[-1] == len(kept) - 1:
            masks = masks[: len(kept)]
        elif channels is None:
            masks = masks[kept]
        else:
            masks, channels = masks[kept, channels], None
        return Detections(labels, scores[kept], boxes, masks, channels)

    def _labels(self, labels: NDArray[Any], rows: NDArray[np.intp]) -> NDArray[np.int64]:
        # Compared as floats first: casting a NaN or an infinity to an integer is undefined.
        whole = np.isfinite(labels) & (labels == np.trunc(labels)) & (np.abs(labels) < 2**53)
        if not whole.all():
            at = int(np.argmin(whole))
            got = f"row {rows[at]} has label {labels[at]}"
            raise ValueError(f"contract {self.contract.name}: {got}, expected a whole number")
        return labels.astype(np.int64)

    def _channels(self, labels: NDArray[np.int64], count: int, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        first = self.contract.first_label or 0
        channels = labels - first
        inside = (channels >= 0) & (channels < count)
        if not inside.all():
            at = int(np.argmin(inside))
            raise ValueError(
                f"contract {self.contract.name}: row {rows[at]} has label {labels[at]}, "
                f"masks has channels for {first} to {first + count - 1}"
            )
        return channels


def recognise(model: openvino.Model) -> Binding:
    """Find the contract that a model keeps, by exact names of inputs and outputs (less a `:0` suffix).

    Raises:
        ValueError: no contract fits; the message lists what the model has and what each contract needs.
    """
    inputs, outputs = _indices(model.inputs), _indices(model.outputs)
    for contract in CONTRACTS:
        if not all(name in outputs for name in contract.outputs) or contract.image not in inputs:
            continue
        image = inputs[contract.image]
        info = inputs.get(contract.image_info) if contract.image_info else None
        if len(model.inputs) == (1 if info is None else 2):
            size = _size(model.inputs[image], contract)
            return Binding(contract, size, image, info, {name: outputs[name] for name in contract.outputs})
    has = f"inputs {_listing(model.inputs)}; outputs {_listing(model.outputs)}"
    needs = "; ".join(
        f"{contract.name} needs the input {contract.image} (and takes {contract.image_info}) "
        f"and the outputs {', '.join(f'{name} {holds}' for name, holds in contract.outputs.items())}"
        for contract in CONTRACTS
    )
    raise ValueError(f"no known contract fits this model. The model has {has}. Known contracts: {needs}")


def _names(port: Any) -> list[str]:
    """Names of a tensor, without `:0`."""
    return sorted({name.removesuffix(":0") for name in port.get_names()})


def _indices(ports: list[Any]) -> dict[str, int]:
    return {name: index for index, port in enumerate(ports) for name in _names(port)}


def _listing(ports: list[Any]) -> str:
    return (
        ", ".join(f"{'/'.join(_names(port)) or 'unnamed'} {port.get_partial_shape()}" for port in ports)
        or "none"
    )


def _size(port: Any, contract: Contract) -> tuple[int, int]:
    shape = port.get_partial_shape()
    if shape.is_static:
        dimensions = [int(side) for side in shape.to_shape()]
        if len(dimensions) == 4 and dimensions[:2] == [1, 3] and min(dimensions) > 0:
            return dimensions[2], dimensions[3]
    raise ValueError(
        f"contract {contract.name}: expected input {contract.image} of static shape [1,3,h,w], got {shape}"
    )
