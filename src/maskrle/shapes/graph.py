"""The graph of the embedded network. Imported only when a network is built, since it needs OpenVINO.

Three steps, as in a cascaded Mask R-CNN. Centres and rough boxes come from a coarse grid (`_candidates`);
every rough box is measured edge by edge and its class is confirmed (`_refine`); the mask is drawn within the
refined box (`_draw`). Boxes are shares of the input throughout, so no step depends on the resolution inside.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import openvino
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino import Node

from .layers import Layers, constant, part, resample, resize, sample, side_of, upsample

__all__ = ["build"]

SHORT, LONG, STEP = 512, 1024, 32
"""Inside, the short side is about 512 pixels, the long one at most about 1024, both multiples of 32."""
CHANNELS = 90
GRID, FINE = 17, 33
REACH = 1.4
CELLS = 8.0
CANDIDATES = 100
CANDIDATE_SCORE, SCORE = 0.08, 0.15
CANDIDATE_IOU, IOU = 0.6, 0.6
MARGIN = 0.6
"""The mask covers this many input pixels more than the box on every side: pasting rounds boxes outwards, by
half a pixel of the source image on average, which is 0.5 to 0.83 pixels of the input."""


def build(
    weights: Mapping[str, NDArray[np.float16]], height: int | None, width: int | None
) -> openvino.Model:
    """The graph for a height and width in pixels; None leaves a side dynamic."""
    layers = Layers(weights)
    shape = [1, 3, -1 if height is None else height, -1 if width is None else width]
    image = ops.parameter(shape, np.float32, name="image_tensor")
    info = ops.parameter([1, 3], np.float32, name="image_info")
    pixels = resample(image, _inner_size(image)) * constant(1 / 255) - constant(0.5)
    fine, coarse = _features(layers, pixels)
    rough, scores, labels = _candidates(layers, coarse)
    boxes, scores = _refine(layers, fine, coarse, rough, scores, labels)
    kept = _suppress(boxes, scores, labels, IOU, SCORE)
    boxes, scores, labels = (_rows(x, kept) for x in (boxes, scores, labels))
    masks = _draw(layers, pixels, fine, coarse, _widen_pixels(boxes, image))
    channels = constant(np.arange(CHANNELS)[None], np.int64)
    chosen = ops.convert(ops.equal(channels, labels), "f32")
    # Flat masks here: with four axes the product would be made channels-last and then copied.
    masks = ops.unsqueeze(chosen, constant([2], np.int64)) * masks
    shape = ops.concat([side_of(boxes, 0), constant([CHANNELS, FINE, FINE], np.int64)], 0)
    masks = ops.reshape(masks, shape, False)
    image_id = scores * constant(0.0)
    numbers = ops.convert(labels, "f32") + constant(1.0)
    detections = ops.concat([image_id, numbers, scores, boxes], 1)
    results = []
    for node, name in ((detections, "reshape_do_2d"), (masks, "masks")):
        node.set_friendly_name(name)
        node.output(0).get_tensor().set_names({name})
        results.append(ops.result(node.output(0)))
    for parameter, name in ((image, "image_tensor"), (info, "image_info")):
        parameter.output(0).get_tensor().set_names({name})
    return openvino.Model(results, [image, info], "maskrle-shapes")


def _inner_size(image: Node) -> Node:
    """Height and width inside, int64 [2]."""
    sides = ops.convert(
        ops.gather(ops.shape_of(image), constant([2, 3], np.int64), constant(0, np.int64)), "f32"
    )
    axis = constant([0], np.int64)
    scale = ops.minimum(
        constant([float(SHORT)]) / ops.reduce_min(sides, axis, True),
        constant([float(LONG)]) / ops.reduce_max(sides, axis, True),
    )
    steps = ops.maximum(ops.round(sides * scale / constant(float(STEP)), "half_to_even"), constant(1.0))
    return ops.convert(steps * constant(float(STEP)), "i64")


def _features(layers: Layers, pixels: Node) -> tuple[Node, Node]:
    """The fine map [1, 24, h/4, w/4] and the coarse map [1, 40, h/8, w/8]."""
    fine = layers.unit(pixels, "stem", 4, (1, 1))
    fine = fine + layers.unit(fine, "block0")
    x1 = layers.unit(fine, "down1", 2)
    x1 = x1 + layers.unit(layers.unit(x1, "block1a"), "block1b")
    x2 = layers.unit(x1, "down2", 2)
    x2 = x2 + layers.unit(layers.unit(x2, "block2a"), "block2b")
    x3 = layers.unit(x2, "down3", 2)
    x3 = x3 + layers.unit(x3, "block3")
    top = layers.conv(x2, "side2") + upsample(layers.conv(x3, "side3"))
    coarse = ops.relu(layers.conv(x1, "side1") + upsample(top))
    return fine, layers.unit(coarse, "smooth")


def _candidates(layers: Layers, coarse: Node) -> tuple[Node, Node, Node]:
    """Boxes [K, 4], scores [K, 1] and 0-based labels int64 [K, 1] of the peaks."""
    x = layers.unit(coarse, "head")
    heat = ops.sigmoid(layers.conv(x, "heat"))
    distances = ops.softplus(layers.conv(x, "rough")) * constant(CELLS)
    around = ops.max_pool(heat, [1, 1], [1, 1], [1, 1], [1, 1], [3, 3]).output(0)
    peaks = heat * ops.convert(ops.equal(heat, around), "f32")
    best = ops.topk(
        ops.reshape(peaks, constant([-1], np.int64), False),
        constant(CANDIDATES, np.int64),
        0,
        "max",
        "value",
        "i64",
    )
    scores, index = best.output(0), best.output(1)
    rows, columns = side_of(coarse, 2), side_of(coarse, 3)
    cells = ops.multiply(rows, columns)
    label, cell = ops.divide(index, cells), ops.mod(index, cells)
    at = ops.gather(ops.reshape(distances, constant([4, -1], np.int64), False), cell, constant(1, np.int64))
    across, down = ops.convert(columns, "f32"), ops.convert(rows, "f32")
    half = constant(0.5)
    x = ops.convert(ops.mod(cell, columns), "f32") + half
    y = ops.convert(ops.divide(cell, columns), "f32") + half
    left, top, right, bottom = (ops.squeeze(part(at, edge, 0), constant([0], np.int64)) for edge in range(4))
    edges = ((x - left) / across, (y - top) / down, (x + right) / across, (y + bottom) / down)
    last = constant([1], np.int64)
    boxes = ops.concat([ops.unsqueeze(edge, last) for edge in edges], 1)
    scores, label = ops.unsqueeze(scores, last), ops.unsqueeze(label, last)
    kept = _suppress(boxes, scores, label, CANDIDATE_IOU, CANDIDATE_SCORE)
    return _rows(boxes, kept), _rows(scores, kept), _rows(label, kept)


def _rows(x: Node, kept: Node) -> Node:
    return ops.gather(x, kept, constant(0, np.int64))


def _suppress(boxes: Node, scores: Node, labels: Node, iou: float, score: float) -> Node:
    """Rows to keep, best score first: above `score`, and no better box of the same label over `iou`."""
    # Labels apart in space never suppress each other.
    apart = boxes + ops.convert(labels, "f32") * constant(4.0)
    selected = ops.non_max_suppression(
        ops.unsqueeze(apart, constant([0], np.int64)),
        ops.unsqueeze(ops.transpose(scores, constant([1, 0], np.int64)), constant([0], np.int64)),
        constant(CANDIDATES, np.int64),
        constant(iou),
        constant(score),
        box_encoding="corner",
        sort_result_descending=True,
        output_type="i64",
    )
    return ops.squeeze(part(selected.output(0), 2, 1), constant([1], np.int64))


def _widen(boxes: Node, factor: float) -> Node:
    low, high = part(boxes, [0, 1], 1), part(boxes, [2, 3], 1)
    center, half = (low + high) * constant(0.5), (high - low) * constant(0.5 * factor)
    return ops.concat([center - half, center + half], 1)


def _widen_pixels(boxes: Node, image: Node) -> Node:
    """Boxes that reach `MARGIN` pixels of the input further on every side."""
    sides = ops.convert(
        ops.gather(ops.shape_of(image), constant([3, 2], np.int64), constant(0, np.int64)), "f32"
    )
    margin = constant([MARGIN]) / sides
    return boxes + ops.concat([ops.negative(margin), margin], 0)


def _regions(fine: Node, coarse: Node, boxes: Node) -> Node:
    """Features and positions within boxes, [K, 66, 17, 17]."""
    steps = (np.arange(GRID, dtype=np.float32) + np.float32(0.5)) / np.float32(GRID) * np.float32(
        2
    ) - np.float32(1)
    both = np.stack(np.broadcast_arrays(steps[None, :], steps[:, None]))[None]
    shape = ops.concat([side_of(boxes, 0), constant([2, GRID, GRID], np.int64)], 0)
    return ops.concat(
        [sample(coarse, boxes, GRID), sample(fine, boxes, GRID), ops.broadcast(constant(both), shape)], 1
    )


def _refine(
    layers: Layers, fine: Node, coarse: Node, boxes: Node, scores: Node, labels: Node
) -> tuple[Node, Node]:
    """Measured boxes [K, 4], and scores [K, 1]: the geometric mean of peak and class in the box."""
    wide = _widen(boxes, REACH)
    x = layers.unit(_regions(fine, coarse, wide), "refine1")
    x = ops.relu(x + layers.conv(x, "refine2"))
    # Where along an axis an edge lies: a distribution over the bins, and its mean.
    steps = constant(((np.arange(GRID) + 0.5) / GRID)[None, None])
    shares = []
    for name, over in (("row", 2), ("column", 3)):
        profile = ops.reduce_max(x, constant([over], np.int64), True)
        logits = layers.conv(layers.unit(profile, f"{name}1"), f"{name}2")
        chance = ops.softmax(ops.squeeze(logits, constant([over], np.int64)), 2)
        shares.append(ops.reduce_sum(chance * steps, constant([2], np.int64), False))
    low, high = part(wide, [0, 1], 1), part(wide, [2, 3], 1)
    columns, rows = shares
    share = ops.concat([part(columns, 0, 1), part(rows, 0, 1), part(columns, 1, 1), part(rows, 1, 1)], 1)
    refined = ops.concat([low, low], 1) + share * ops.concat([high - low, high - low], 1)
    both = constant([2, 3], np.int64)
    pooled = ops.concat([ops.reduce_max(x, both, False), ops.reduce_mean(x, both, False)], 1)
    names = ops.sigmoid(layers.linear(ops.relu(layers.linear(pooled, "label1")), "label2"))
    agreed = ops.gather_elements(names, labels, 1)
    return ops.clamp(refined, 0.0, 1.0), ops.sqrt(scores * agreed)


def _draw(layers: Layers, pixels: Node, fine: Node, coarse: Node, boxes: Node) -> Node:
    """Soft masks [N, 1, 33 * 33] within boxes [N, 4]."""
    x = layers.unit(_regions(fine, coarse, boxes), "mask1")
    x = ops.relu(x + layers.conv(x, "mask2"))
    x = resize(layers.conv(x, "mask3"), constant([FINE, FINE], np.int64))
    x = ops.concat([x, sample(fine, boxes, FINE), sample(pixels, boxes, FINE)], 1)
    x = layers.unit(x, "fine1")
    x = ops.relu(x + layers.conv(x, "fine2"))
    masks = ops.sigmoid(layers.conv(x, "mask"))
    shape = ops.concat([side_of(boxes, 0), constant([1, FINE * FINE], np.int64)], 0)
    return ops.reshape(masks, shape, False)
