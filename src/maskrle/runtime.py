"""OpenVINO: reading models and compiling them for a device, with errors that say what was wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    import openvino

__all__ = [
    "PRECISIONS",
    "Counters",
    "NodeTime",
    "Requests",
    "check_device",
    "compile_model",
    "infer",
    "precisions",
    "read_model",
]

T = TypeVar("T")

PRECISIONS = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
"""Inference precisions, and what OpenVINO calls a device's capability for them."""
_META_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")
_VALUES = (str, int, float, list, tuple, Mapping, os.PathLike)
"""What values of properties may be, other than OpenVINO's own types."""


def read_model(core: openvino.Core, model: str | os.PathLike[str] | openvino.Model) -> openvino.Model:
    """The model at a path (.xml, .onnx, .pb, a SavedModel's directory), or a copy of the given one.

    Raises:
        FileNotFoundError: there is nothing at this path.
        ValueError: OpenVINO cannot read it: no model, a damaged one, or an operation it does not know.
        TypeError: neither a path nor an `openvino.Model`.
    """
    import openvino

    if isinstance(model, openvino.Model):
        return model.clone()
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(f"model: expected a path or an openvino.Model, got {type(model).__name__}")
    path = Path(model)
    if not path.exists():
        raise FileNotFoundError(f"model: no such file: {path}")
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise ValueError(f"model: OpenVINO cannot read {path}: {_reason(error)}") from None


def check_device(core: openvino.Core, device: str, precision: str = "f32") -> None:
    """See to it that there is such a device here, and that it has the precision.

    Raises:
        ValueError: there is not; the message lists what there is.
        TypeError: device or precision is no str.
    """
    for argument, value in (("device", device), ("precision", precision)):
        if not isinstance(value, str):
            raise TypeError(f"{argument}: expected a str, got {type(value).__name__}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision: expected one of {', '.join(map(repr, PRECISIONS))}, got {precision!r}")
    for name in _parts(core, device):
        if not _is_here(core, name):
            here = ", ".join(map(repr, [*core.available_devices, "AUTO"]))
            raise ValueError(f"device: expected one of {here}, got {device!r}") from None
    has = precisions(core, device)
    if precision not in has:  # OpenVINO would quietly take another one
        raise ValueError(f"precision: {device} has {', '.join(has)} here, got {precision!r}")


def compile_model(
    core: openvino.Core,
    model: openvino.Model,
    device: str,
    precision: str = "f32",
    cache_dir: str | os.PathLike[str] | None = None,
    config: Mapping[str, Any] | None = None,
    hint: str = "LATENCY",
) -> openvino.CompiledModel:
    """Compile a model at a given inference precision.

    f32 is the default, as the bfloat16 that OpenVINO takes by itself on newer CPUs moves boxes by whole
    pixels.

    Args:
        cache_dir: directory where OpenVINO keeps compiled models, so that the next start is quicker.
        config: further OpenVINO properties but the precision, which nothing would check; they come before all
            of the above.
        hint: what to compile for, "LATENCY" or "THROUGHPUT".

    Raises:
        ValueError: an unknown property or a wrong value of one, a model that OpenVINO cannot compile.
        TypeError: config is no mapping or has a value of another type, cache_dir is no path.
    """
    _check_config({} if config is None else config)
    properties: dict[str, Any] = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": precision}
    if cache_dir is not None:
        if not isinstance(cache_dir, (str, os.PathLike)):
            raise TypeError(f"cache_dir: expected a path, got {type(cache_dir).__name__}")
        properties["CACHE_DIR"] = os.fspath(cache_dir)
    properties |= {str(name): value for name, value in (config or {}).items()}
    _fill_tables()
    try:
        return core.compile_model(model, device, properties)
    except RuntimeError as error:
        reason = _reason(error)
        for name in sorted(properties, key=len, reverse=True):  # some names begin with others
            if name in reason:
                raise ValueError(f"config: {name}={properties[name]!r} on {device}: {reason}") from None
        if cache_dir is not None and str(cache_dir) in reason:
            raise ValueError(f"cache_dir: {reason}") from None
        raise ValueError(f"model: OpenVINO cannot compile it for {device}: {reason}") from None


def _fill_tables() -> None:
    """Pass an array through OpenVINO's Python binding, and back.

    The first time, it fills tables of types. Two threads that infer for the first time at once wait for each
    other for ever: one fills them and waits for the GIL, the other has the GIL and waits for the tables.
    """
    import openvino

    for dtype in (np.float32, np.uint8, np.int64):
        _ = openvino.Tensor(np.zeros(1, dtype), shared_memory=True).data


def infer(request: openvino.InferRequest, inputs: Mapping[int, Any]) -> Any:
    """Run an inference without copying: the outputs are the request's own memory.

    Raises:
        RuntimeError: OpenVINO fails to.
    """
    try:
        return request.infer(inputs, share_inputs=True, share_outputs=True)
    except RuntimeError as error:
        raise RuntimeError(f"OpenVINO cannot run the network on this input: {_reason(error)}") from None


class NodeTime(NamedTuple):
    """What the executions of one node of a network took altogether; `kernel` is what OpenVINO ran for it."""

    name: str
    kind: str
    kernel: str
    seconds: float


class Counters:
    """OpenVINO's own clocks, added up over inferences."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seconds: dict[tuple[str, str, str], float] = {}

    def add(self, request: openvino.InferRequest) -> None:
        """Add the last inference of a request."""
        with self._lock:
            for node in request.get_profiling_info():
                key = (node.node_name, node.node_type, node.exec_type)
                self._seconds[key] = self._seconds.get(key, 0.0) + node.real_time.total_seconds()

    def nodes(self) -> list[NodeTime]:
        """What every node took, the slowest first."""
        with self._lock:
            nodes = [NodeTime(*key, seconds) for key, seconds in self._seconds.items() if seconds > 0]
        return sorted(nodes, key=lambda node: (-node.seconds, node.name))


class Requests(Generic[T]):
    """Inference requests of a compiled model: lent to one thread at a time, made when none is idle.

    Args:
        make: makes something that belongs to a request and is lent with it.
        counters: where the time of each node is added up, if the model was compiled with PERF_COUNT.
    """

    def __init__(
        self, compiled: openvino.CompiledModel, make: Callable[[], T], counters: Counters | None = None
    ) -> None:
        self._compiled = compiled
        self._make = make
        self._counters = counters
        self._idle: list[tuple[openvino.InferRequest, T]] = []
        self._lent: set[openvino.InferRequest] = set()

    @contextmanager
    def lent(self) -> Iterator[tuple[openvino.InferRequest, T]]:
        """A request and what belongs to it, until the context ends. Copy what is needed of outputs before."""
        try:
            request, belongings = self._idle.pop()
        except IndexError:
            request, belongings = self._compiled.create_infer_request(), self._make()
        self._lent.add(request)
        try:
            yield request, belongings
            if self._counters is not None:
                self._counters.add(request)
            self._idle.append((request, belongings))  # not after an error: nobody knows its state then
        finally:
            self._lent.discard(request)

    def cancel(self) -> None:
        """End the inferences that are running: they raise RuntimeError."""
        for request in self._lent.copy():
            request.cancel()


def precisions(core: openvino.Core, device: str) -> list[str]:
    """Which of `PRECISIONS` a device has, or any of those that it may choose from."""
    has = {
        capability
        for name in _parts(core, device)
        for capability in core.get_property(name, "OPTIMIZATION_CAPABILITIES")
    }
    return [name for name, capability in PRECISIONS.items() if capability in has]


def _check_config(config: Mapping[str, Any]) -> None:
    if not isinstance(config, Mapping):
        raise TypeError(f"config: expected a mapping from names of properties, got {type(config).__name__}")
    for name, value in config.items():
        # Others are taken for whatever OpenVINO can make of them.
        if not isinstance(value, _VALUES) and type(value).__module__.partition(".")[0] != "openvino":
            raise TypeError(f"config: {name}: expected a value of a property, got {type(value).__name__}")
        # Also within properties for each device, in any of the forms that these may have.
        if "INFERENCE_PRECISION_HINT" in f"{name} {getattr(value, 'value', value)}":
            raise ValueError(f"config: {name}: use precision= for the precision of the inference")


def _is_here(core: openvino.Core, device: str) -> bool:
    """Whether there is a device of this name, "CPU" or "GPU.1"."""
    kind, _, number = device.partition(".")
    try:
        core.get_property(device, "SUPPORTED_PROPERTIES")
        return not number or number in core.get_property(kind, "AVAILABLE_DEVICES")
    except RuntimeError:
        return False


def _parts(core: openvino.Core, device: str) -> Sequence[str]:
    """The devices that a name like "AUTO:GPU,CPU" stands for."""
    kind, _, parts = device.partition(":")
    if kind not in _META_DEVICES:
        return [device]
    # "AUTO:-GPU" is any device but that one, "MULTI:CPU(2)" one with two requests.
    named = [part.partition("(")[0] for part in parts.split(",") if part and not part.startswith("-")]
    return named or core.available_devices


def _reason(error: RuntimeError) -> str:
    """What an error of OpenVINO says, in one line, without the places in its sources."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from ", "Check '"))]
    return " ".join(said or lines)
