"""OpenVINO Model API's own post-processing, the installed package's, and pycocotools behind it.

Its wrapper reads the sides of the network's input from a model: one without work, of contract segmentoly, is
made for each image size, so that boxes in pixels of the input are boxes in pixels of the image. The wrapper
stacks whole images; what it gives is encoded as COCO wants it.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from model_api.adapters import OpenvinoAdapter
from model_api.models import MaskRCNNModel
from openvino import opset13 as op
from pycocotools import mask as coco

from maskrle.benchmark.ways import Rles
from maskrle.benchmark.workload import Workload

_SCORE = np.float32(0.9)


def model_api_way(work: Workload) -> Rles:
    outputs = {
        "boxes": work.boxes.copy(),  # the wrapper works on it in place
        "classes": work.channels,
        "scores": np.full(len(work.boxes), _SCORE),
        "raw_masks": work.masks,
    }
    result = _wrapper(work.image_size).postprocess(outputs, {"original_shape": (*work.image_size, 3)})
    return [coco.encode(np.asfortranarray(mask)) for mask in result.masks]


@functools.cache
def _wrapper(image_size: tuple[int, int]) -> Any:
    image = op.parameter([1, 3, *image_size], np.float32, name="image")
    info = op.parameter([1, 3], np.float32, name="image_info")
    level = op.reduce_mean(image, op.constant(np.array([0, 1, 2, 3])), False)
    zero = op.multiply(op.add(level, op.reduce_mean(info, op.constant([0, 1]), False)), np.float32(0))
    shapes = {"boxes": (1, 4), "classes": (1,), "scores": (1,), "raw_masks": (1, 90, 33, 33)}
    results = []
    for name, shape in shapes.items():
        node = op.add(op.constant(np.zeros(shape, np.float32)), zero)
        node.output(0).get_tensor().set_names({name})
        results.append(op.result(node))
    for parameter in (image, info):
        parameter.output(0).get_tensor().set_names({parameter.friendly_name})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        ov.save_model(ov.Model(results, [image, info], "segmentoly"), path)
        adapter = OpenvinoAdapter(ov.Core(), str(path))
        return MaskRCNNModel(adapter)
