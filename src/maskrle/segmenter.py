"""A network on a device, from a picture to instances."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .contracts import Binding, Contract, recognise
from .native import encode
from .preprocess import Fitted, Image, fit, read_image
from .results import Instances

if TYPE_CHECKING:
    import openvino

__all__ = ["Segmenter", "Timings"]

RESIZES = ("fit",)
PASTES = ("omz", "model_api", "tf", "detectron2")
DEFAULTS = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
"""OpenVINO properties. f32, as the bfloat16 that OpenVINO takes on newer CPUs moves boxes by whole pixels."""


class Timings(NamedTuple):
    """Where the time of one picture went, seconds of wall time."""

    preprocess: float
    inference: float
    postprocess: float


class Segmenter:
    """Finds instances in pictures with a network that OpenVINO executes.

    Args:
        model: path of a model that OpenVINO reads (.xml, .onnx, ...), or an `openvino.Model`.
        device: OpenVINO device name.
        score_threshold: least score of a detection that is kept, 0 to 1.
        paste: convention that masks are put into their boxes with, see `maskrle.encode`.
        resize: how a picture becomes the network's input; "fit" keeps the aspect ratio and pads with zeros.
        config: further OpenVINO properties; they override `DEFAULTS`.

    Raises:
        FileNotFoundError: no model at this path.
        ValueError: an unknown option, a model that OpenVINO cannot read or that keeps no known contract.
        TypeError: a model or a threshold of another type.

    A segmenter may be called from several threads at once. Each call borrows an inference request of its own,
    so there are as many requests, and output buffers, as there ever were calls at the same time.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | openvino.Model,
        device: str = "CPU",
        score_threshold: float = 0.5,
        paste: str = "omz",
        resize: str = "fit",
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.score_threshold = _threshold(score_threshold)
        self.paste = _choice("paste", paste, PASTES)
        self.resize = _choice("resize", resize, RESIZES)
        import openvino

        core = openvino.Core()
        network = _network(core, model)
        self._binding = recognise(network)
        self._names = _label_names(network, self._binding.contract)
        self._compiled = core.compile_model(network, device, {**DEFAULTS, **(config or {})})
        self._idle: list[openvino.InferRequest] = []

    @property
    def contract(self) -> Contract:
        """The output contract that was recognised, with its inputs and outputs."""
        return self._binding.contract

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the network's input, pixels."""
        return self._binding.size

    def __call__(self, image: Image) -> Instances:
        """Find the instances in one picture: a path, or uint8 [H, W, 3] BGR as OpenCV reads it.

        Raises:
            OSError: the file cannot be read.
            TypeError, ValueError: no image of that kind, or outputs that break the contract.
        """
        return self.timed(image)[0]

    def timed(self, image: Image) -> tuple[Instances, Timings]:
        """As calling the segmenter, and how long each step took; reading a file counts as preprocessing."""
        start = perf_counter()
        fitted = fit(read_image(image), self.input_size)
        ready = perf_counter()
        with self._request() as request:
            outputs = request.infer(_inputs(self._binding, fitted), share_inputs=True, share_outputs=True)
            inferred = perf_counter()
            # Inside the loan: the arrays are the request's own memory, which its next inference overwrites.
            tensors = {name: outputs[at] for name, at in self._binding.outputs.items()}
            instances = self._instances(tensors, fitted)
        return instances, Timings(ready - start, inferred - ready, perf_counter() - inferred)

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        yield request
        self._idle.append(request)  # not after an error: nobody knows its state then

    def _instances(self, outputs: Mapping[str, np.ndarray[Any, Any]], fitted: Fitted) -> Instances:
        found = self._binding.detections(outputs, self.score_threshold)
        boxes = fitted.boxes_to_image(found.boxes, normalised=self.contract.normalised)
        rles = encode(found.masks, boxes, fitted.image_size, found.channels, paste=self.paste)
        return Instances(found.labels, found.scores, boxes, rles, self._names)


def _inputs(binding: Binding, fitted: Fitted) -> dict[int, np.ndarray[Any, Any]]:
    inputs: dict[int, np.ndarray[Any, Any]] = {binding.image: fitted.tensor}
    if binding.image_info is not None:
        inputs[binding.image_info] = np.array([[*binding.size, 1]], np.float32)
    return inputs


def _network(core: openvino.Core, model: str | os.PathLike[str] | openvino.Model) -> openvino.Model:
    import openvino

    if isinstance(model, openvino.Model):
        return model
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(f"model: expected a path or an openvino.Model, got {type(model).__name__}")
    path = Path(model)
    if not path.exists():
        raise FileNotFoundError(f"model: no such file: {path}")
    try:
        return core.read_model(path)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"model: OpenVINO cannot read {path}: {reason}") from error


def _label_names(network: openvino.Model, contract: Contract) -> dict[int, str] | None:
    """Class names that a model brings along, as OpenVINO's Model API writes them: in order, set apart by
    spaces, with underscores for spaces within a name."""
    path = ["model_info", "labels"]
    if not network.has_rt_info(path):
        return None
    names = network.get_rt_info(path).astype(str).split()
    return {label: name.replace("_", " ") for label, name in enumerate(names, contract.first_label or 0)}


def _threshold(value: float) -> float:
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        threshold = float(value)
    except TypeError:
        raise TypeError(f"score_threshold: expected a number from 0 to 1, got {value!r}") from None
    if not 0 <= threshold <= 1:  # also a NaN
        raise ValueError(f"score_threshold: expected a number from 0 to 1, got {value!r}")
    return threshold


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value
