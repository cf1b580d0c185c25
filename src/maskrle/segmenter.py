"""A network on a device, from a picture to instances."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import graph, runtime
from .binding import class_names, recognise
from .contracts import Contract
from .detections import Detections, read_detections
from .image import Image, read_image
from .labels import Labels, label_names
from .native import encode
from .preprocess import COLORS, RESIZES, Memory, Placement, Preprocessor
from .reference import PASTES
from .results import Instances
from .stream import Result, Timings, forget, grouped, ordered

if TYPE_CHECKING:
    import openvino

__all__ = ["Segmenter"]

PREPROCESSES = ("opencv", "graph")
DYNAMIC_BATCH = 8
"""Most images that `Segmenter.batch` gives a network of dynamic batch at once."""


class Segmenter:
    """Finds instances in pictures with a network that OpenVINO executes.

    Args:
        model: path of a model that OpenVINO reads (.xml, .onnx, .pb, a SavedModel's directory), or an
            `openvino.Model`, which is not changed.
        device: OpenVINO device name.
        score_threshold: least score of a detection that is kept, 0 to 1.
        paste: convention that masks are put into their boxes with, see `maskrle.encode`.
        resize: how a picture becomes the network's input: "fit" keeps the aspect ratio and pads with zeros,
            "stretch" does not keep it, "none" takes only pictures of the network's own size. A dynamic side
            of the input fits every picture, within the limits that the model may set.
        config: further OpenVINO properties but the precision, by name; they come before cache_dir.
        contract: what the network's inputs and outputs mean: the name of a known contract or a
            `maskrle.Contract`; without it, the known one that fits.
        color: order of the colour channels that the network takes, "bgr" or "rgb"; the contract's unless
            given.
        labels: class names, as a mapping from labels, as a sequence (the first is label 1), or as a path of a
            file with a name on each line; otherwise the model's own, or COCO's where the contract is of such
            networks.
        preprocess: "opencv", exactly as networks are evaluated, or "graph": resized by OpenVINO within the
            model, with pixels that differ slightly.
        select_in_graph: let the model pick each detection's mask channel, so that [N, h, w] instead of [N, C,
            h, w] leaves it; the results are the same.
        precision: of the inference: "f32", "bf16" or "f16".
        cache_dir: directory for compiled models, so that the next start is quicker.

    Raises:
        FileNotFoundError: no model at this path.
        ValueError: an unknown option, device or property; a model that OpenVINO cannot read or compile, or
            that keeps no known contract.
        TypeError: an argument of another type.

    A segmenter may be called from several threads at once. Each call borrows an inference request of its own,
    so there are as many requests, and output buffers, as there ever were calls at the same time.
    `score_threshold` and `paste` are attributes, too.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | openvino.Model,
        device: str = "CPU",
        score_threshold: float = 0.5,
        paste: str = "omz",
        resize: str = "fit",
        config: Mapping[str, Any] | None = None,
        *,
        contract: str | Contract | None = None,
        color: str | None = None,
        labels: Labels | None = None,
        preprocess: str = "opencv",
        select_in_graph: bool = False,
        precision: str = "f32",
        cache_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.score_threshold = _threshold(score_threshold)
        self.paste = _choice("paste", paste, PASTES)
        _choice("resize", resize, RESIZES)
        _choice("preprocess", preprocess, PREPROCESSES)
        if color is not None:
            _choice("color", color, COLORS)
        names = None if labels is None else label_names(labels)
        import openvino

        core = openvino.Core()
        runtime.check_device(core, device, precision)
        network = runtime.read_model(core, model)
        self._name: str = network.get_friendly_name()
        self._binding = recognise(network, contract)
        self._names = names or class_names(network, self._binding)
        color = color or self.contract.color
        resized_size = None
        if preprocess == "graph":
            resized_size = graph.with_preprocessing(network, self._binding, color)
        if select_in_graph:
            self._binding = graph.with_selection(network, self._binding)
        self._preprocessor = Preprocessor(self._binding, resize, color, resized_size)
        self._compile = partial(
            runtime.compile_model, core, network, device, precision, cache_dir, dict(config or {})
        )
        self._compiled = self._compile()
        counts = "PERF_COUNT" in map(str, config or {})
        self._counters = runtime.Counters() if counts else None
        self._requests = runtime.Requests(self._compiled, Memory, self._counters)
        hinted = "PERFORMANCE_HINT" in map(str, config or {})
        self._streaming = self._compiled if hinted else None
        self._compiling = Lock()

    @property
    def contract(self) -> Contract:
        """The output contract that was recognised, with its inputs and outputs."""
        return self._binding.contract

    @property
    def name(self) -> str:
        """What the model file calls the network."""
        return self._name

    @property
    def input_size(self) -> tuple[int, int] | None:
        """(height, width) of the network's input, pixels; None where it is dynamic."""
        height, width = self._binding.image.size
        return None if height is None or width is None else (height, width)

    @property
    def resize(self) -> str:
        """How a picture becomes the network's input."""
        return self._preprocessor.resize

    @property
    def color(self) -> str:
        """Order of the colour channels that the network takes."""
        return self._preprocessor.color

    @property
    def names(self) -> Mapping[int, str] | None:
        """Label -> class name, None where no names are known."""
        return self._names

    @property
    def node_times(self) -> list[runtime.NodeTime]:
        """What each node of the network took in all inferences so far, the slowest first: name, kind, kernel,
        seconds. Empty unless `config` has PERF_COUNT."""
        return self._counters.nodes() if self._counters else []

    def __call__(self, image: Image) -> Instances:
        """Find the instances in one picture.

        Args:
            image: a path, a file's content as bytes, or uint8 [H, W, 3] BGR. Files are turned as their EXIF
                orientation says. Grey pictures, an alpha channel and files of 16 bits are converted, arrays
                of 16 bits refused.

        Returns:
            The instances, boxes and masks in pixels of the picture, in the network's order.

        Raises:
            OSError: the file cannot be read.
            TypeError, ValueError: no image of that kind, or outputs that break the contract.
            RuntimeError: OpenVINO fails to run the network.
        """
        return self.timed(image)[0]

    def timed(self, image: Image) -> tuple[Instances, Timings]:
        """As calling the segmenter, and how long each step took.

        Args:
            image: as for calling the segmenter.

        Raises:
            OSError, TypeError, ValueError, RuntimeError: likewise.
        """
        start = perf_counter()
        picture = read_image(image)
        read = perf_counter() - start
        (instances,), times = self._run(self._requests, [picture])
        return instances, Timings(read, *times)

    def stream(
        self, images: Iterable[Image | Exception], workers: int | None = None
    ) -> Generator[Result, None, None]:
        """Find the instances in any number of pictures, as fast as the device can; results in input order.

        Each worker is a thread that reads a picture, preprocesses it, runs the network and encodes the masks.
        Pictures are taken from `images` as results are asked for, at most two for each worker ahead (times
        the batch, where the network takes a fixed one: then that many are gathered first). A picture that
        fails is a `Result` with an error, and so is an exception among the images; the stream goes on. If
        `images` itself raises, that is raised here, after the results of what came before.

        The first stream compiles the network a second time, for throughput instead of latency, unless
        `config` has a PERFORMANCE_HINT. Results do not depend on that, nor on the number of workers.

        Closing the generator, or an exception in the loop over it, ends all work that is going on.

        Args:
            images: paths, bytes or arrays, as for calling the segmenter.
            workers: number of threads and of inference requests; by default one more than OpenVINO finds
                optimal for the device, so that none of those waits while a picture is read and prepared.

        Returns:
            A generator of a `Result` for each picture.

        Raises:
            TypeError, ValueError: images is no iterable or a single picture, workers no positive integer.
        """
        if isinstance(images, (str, os.PathLike, bytes, np.ndarray)) or not isinstance(images, Iterable):
            raise TypeError(f"images: expected an iterable of pictures, got {type(images).__name__}")
        if workers is not None and (not isinstance(workers, int) or isinstance(workers, bool)):
            raise TypeError(f"workers: expected an integer or None, got {type(workers).__name__}")
        if workers is not None and workers < 1:
            raise ValueError(f"workers: expected at least 1, got {workers}")
        compiled = self._throughput()
        requests = runtime.Requests(compiled, Memory, self._counters)
        return ordered(
            partial(self._results, requests),
            grouped(images, self._binding.image.fed(1)),
            workers or compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1,
            requests.cancel,
        )

    def batch(self, images: Iterable[Image]) -> list[Instances]:
        """Find the instances in any number of pictures, with as many at once as the network takes.

        A network of batch 1 gets one after the other, one of dynamic batch up to `DYNAMIC_BATCH`. The rest of
        a last batch that is not full is filled with zeros. Pictures that need inputs of different sizes do
        not share a batch.

        Args:
            images: paths, bytes or arrays, as for calling the segmenter.

        Returns:
            The instances of each picture, in order.

        Raises:
            OSError, TypeError, ValueError, RuntimeError: as calling the segmenter.
            TypeError: a single picture.
        """
        _check_several(images)
        groups = self._groups(map(read_image, images))
        return [found for group in groups for found in self._run(self._requests, group)[0]]

    def _throughput(self) -> openvino.CompiledModel:
        with self._compiling:
            if self._streaming is None:
                self._streaming = self._compile(hint="THROUGHPUT")
            return self._streaming

    def _groups(self, pictures: Iterable[NDArray[np.uint8]]) -> Iterator[list[NDArray[np.uint8]]]:
        port = self._binding.image
        most = port.most(DYNAMIC_BATCH if self.contract.batches else 1)
        if self._preprocessor.resized_size is not None:
            most = 1
        group: list[NDArray[np.uint8]] = []
        for picture in pictures:
            network = self._preprocessor.place(picture).network
            if group and (len(group) == most or network != self._preprocessor.place(group[0]).network):
                yield group
                group = []
            group.append(picture)
        if group:
            yield group

    def _results(self, requests: runtime.Requests[Memory], sources: list[Image | Exception]) -> list[Result]:
        """What becomes of the pictures of a batch, which are taken out of the list; where one fails, each is
        tried by itself."""
        lost = [source for source in sources if isinstance(source, Exception)]
        if len(sources) == len(lost) == 1:
            return [Result(sources.pop(), error=lost[0])]
        if not lost:
            try:
                return self._found(requests, sources)
            except Exception as error:
                if len(sources) == 1:
                    forget(error)
                    return [Result(sources.pop(), error=error)]
        results: list[Result] = []
        while sources:
            results += self._results(requests, [sources.pop(0)])
        return results

    def _found(self, requests: runtime.Requests[Memory], sources: Sequence[Any]) -> list[Result]:
        pictures: list[NDArray[np.uint8]] = []
        reading: list[float] = []
        found: list[tuple[Instances, Timings]] = []
        for source in sources:
            start = perf_counter()
            pictures.append(read_image(source))
            reading.append(perf_counter() - start)
        for group in self._groups(pictures):
            instances, times = self._run(requests, group)
            for one in instances:
                # Of a batch, each picture gets an equal share.
                shares = (seconds / len(group) for seconds in times)
                found.append((one, Timings(reading[len(found)], *shares)))
        return [
            Result(source, one, image=picture, timings=timings)
            for source, picture, (one, timings) in zip(sources, pictures, found, strict=True)
        ]

    def _run(
        self, requests: runtime.Requests[Memory], pictures: Sequence[NDArray[np.uint8]]
    ) -> tuple[list[Instances], tuple[float, float, float]]:
        """The instances of pictures that share a batch; seconds of each step."""
        start = perf_counter()
        batch = self._binding.image.fed(len(pictures))
        with requests.lent() as (request, memory):
            places = [self._preprocessor.place(picture) for picture in pictures]
            inputs = self._preprocessor.inputs(pictures, places, batch, memory)
            ready = perf_counter()
            outputs = runtime.infer(request, inputs)
            inferred = perf_counter()
            # Inside the loan: the arrays are the request's own memory, which its next inference overwrites.
            tensors = {name: outputs[at] for name, at in self._binding.outputs.items()}
            fed = (batch, *places[0].network)
            found = read_detections(self._binding, tensors, fed, len(places), self.score_threshold)
            instances = [
                self._instances(one, placement) for one, placement in zip(found, places, strict=True)
            ]
        return instances, (ready - start, inferred - ready, perf_counter() - inferred)

    def _instances(self, found: Detections, placement: Placement) -> Instances:
        boxes = placement.boxes_to_image(found.boxes, normalised=self.contract.normalised)
        rles = encode(found.masks, boxes, placement.image_size, found.channels, paste=self.paste)
        return Instances(found.labels, found.scores, boxes, rles, self._names)


def _check_several(images: object) -> None:
    if isinstance(images, (str, os.PathLike, bytes)) or (
        isinstance(images, np.ndarray) and images.ndim in (2, 3)
    ):
        raise TypeError("images: expected several pictures, got a single one; call the segmenter with it")


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
