"""Floating-point operations a second that OpenVINO reaches on this machine, in f32.

    python benchmarks/throughput.py

A chain of 3 x 3 convolutions of 256 channels, as backbones have them, whose operations are counted (a
multiply and an add are two). What a published network takes by its operations is estimated from this: the
real one, with smaller and odder layers, will rather be slower.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as op

from maskrle.benchmark.timing import Spread, spread

CONFIG = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "f32"}  # as a stream of a Segmenter
_CHANNELS, _SIZE, _LAYERS = 256, (50, 86), 8
_OPERATIONS = 2 * 9 * _CHANNELS**2 * _SIZE[0] * _SIZE[1] * _LAYERS


class Throughput(NamedTuple):
    """Of all cores together."""

    cores: int
    gigaflops: Spread  # 10^9 operations a second
    network: str  # that was measured

    @property
    def each(self) -> float:
        """10^9 operations a second of one core."""
        return self.gigaflops.median / self.cores


def run(*, quick: bool) -> Throughput:
    compiled = ov.compile_model(_network(), "CPU", CONFIG)
    requests = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS") + 1
    bare(compiled, requests, 0.5)
    rates = [bare(compiled, requests, 1.0) * _OPERATIONS / 1e9 for _ in range(3 if quick else 9)]
    height, width = _SIZE
    what = f"{_LAYERS} convolutions 3 x 3, {_CHANNELS} channels, {height} x {width}, f32"
    return Throughput(os.cpu_count() or 1, spread(rates), f"{what}: {_OPERATIONS / 1e9:.1f} GFLOPs")


def bare(compiled: ov.CompiledModel, requests: int, seconds: float) -> float:
    """Inferences a second of OpenVINO alone: a prepared tensor, nothing done with what comes out."""
    shape = list(compiled.inputs[0].shape)
    tensor = ov.Tensor(np.random.default_rng(0).random(shape, np.float32))
    queue = ov.AsyncInferQueue(compiled, requests)
    for request in queue:
        request.set_input_tensor(tensor)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds or done < 2 * requests:
        queue.start_async()
        done += 1
    queue.wait_all()
    return done / (time.perf_counter() - begun)


def _network() -> ov.Model:
    rng = np.random.default_rng(0)
    image = op.parameter([1, _CHANNELS, *_SIZE], np.float32)
    x = image
    for _ in range(_LAYERS):
        weights = rng.normal(0, 0.02, (_CHANNELS, _CHANNELS, 3, 3)).astype(np.float32)
        x = op.relu(op.convolution(x, op.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1]))
    return ov.Model([op.result(x)], [image], "convolutions")


if __name__ == "__main__":
    found = run(quick=False)
    print(f"{found.gigaflops} GFLOP/s with {found.cores} cores: {found.network}")
