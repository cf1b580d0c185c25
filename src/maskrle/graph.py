"""Steps moved into a model: preprocessing in front of it, the choice of mask channels behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .binding import Binding

if TYPE_CHECKING:
    import openvino

__all__ = ["with_preprocessing", "with_selection"]


def with_preprocessing(model: openvino.Model, binding: Binding, color: str) -> int:
    """Let a model take pictures as they are: uint8 [1, H, W, 3], BGR, of any size.

    The model is changed: its image input, and it gets one more, int64 [2], the (height, width) to resize the
    picture to, as `preprocess.place` finds it. Bilinear with half-pixel centres, zeros to the right and
    below. OpenCV's resize does its sums with fewer bits: this is close to `Preprocessor`, not equal to it.

    Args:
        color: order of the colour channels that the network takes.

    Returns:
        The index of the new input.

    Raises:
        ValueError: the model takes more than one image at a time.
    """
    from openvino import opset13 as op

    port = binding.image
    if port.fed(1) != 1:
        raise ValueError(f"preprocess: 'graph' needs a model of batch 1, this one takes {port.fed(1)} images")
    picture = op.parameter([1, -1, -1, 3], np.uint8, name="picture")
    size = op.parameter([2], np.int64, name="resized_size")

    # As bytes and channels last for as long as possible: that is the least memory to move.
    x = op.interpolate(
        picture,
        size,
        "linear_onnx",
        "sizes",
        coordinate_transformation_mode="half_pixel",
        axes=_whole([1, 2]),
    )
    if color == "rgb":
        x = op.gather(x, _whole([2, 1, 0]), _whole(3))
    height, width = port.size
    if height is not None or width is not None:
        # A dynamic side of the network is as long as the picture's.
        static = op.constant(np.array([height or 0, width or 0], np.int64))
        missing = op.maximum(op.subtract(static, size), _whole(0))
        ends = op.concat([_whole([0]), missing, _whole([0])], 0)
        x = op.pad(x, _whole([0, 0, 0, 0]), ends, "constant", op.constant(np.uint8(0)))
    if height is not None and width is not None:
        x = op.reshape(x, _whole([1, height, width, 3]), False)  # so that the model's shapes stay static
    if port.dtype == "float32":
        x = op.convert(x, "f32")
        if binding.contract.white != 255:
            x = op.divide(x, op.constant(np.float32(255 / binding.contract.white)))
    if port.layout == "NCHW":
        x = op.transpose(x, _whole([0, 3, 1, 2]))

    for reader in model.inputs[port.index].get_node().output(0).get_target_inputs():
        reader.replace_source_output(x.output(0))
    for node, name in ((picture, port.name), (size, "resized_size")):
        node.output(0).get_tensor().set_names({name})
    model.replace_parameter(port.index, picture)
    model.add_parameters([size])
    model.validate_nodes_and_infer_types()
    return len(model.inputs) - 1


def with_selection(model: openvino.Model, binding: Binding) -> Binding:
    """Let a model pick each row's mask channel by itself: [N, C, h, w] becomes [N, h, w].

    The model is changed. Rows whose label has no channel, as there are beyond the last detection, get any
    channel.

    Raises:
        ValueError: the masks have no channels, or the model does not say how many.
    """
    from openvino import opset13 as op

    channels = binding.contract.channels
    if channels is None or binding.classes is None:
        raise ValueError(
            "select_in_graph: expected masks with a known number of channels, one for each class; this model "
            f"of contract {binding.contract.name} has none to select from"
        )
    result = model.outputs[binding.outputs[channels.masks]].get_node()
    masks: Any = result.input_value(0)
    labels: Any = model.outputs[binding.outputs[channels.labels]].get_node().input_value(0)
    if channels.column is not None:
        labels = op.gather(labels, _whole(channels.column), _whole(-1))
    # In integers, which no inference precision rounds.
    labels = op.convert(labels, "i32")
    # Masks may have more or fewer rows than the table that has the labels: only the rows of both.
    axis = masks.get_partial_shape().rank.get_length() - 4
    rows = op.minimum(*(op.gather(op.shape_of(one), _whole(axis), _whole(0)) for one in (labels, masks)))
    labels = op.slice(labels, _whole([0]), op.unsqueeze(rows, _whole(0)), _whole([1]), _whole([axis]))
    # Whatever becomes of a NaN in a row that does not count, it is replaced before it is an index: the gather
    # reads from wherever an index points to.
    first, last = (
        op.constant(np.int32(channels.first_label + offset)) for offset in (0, binding.classes - 1)
    )
    inside = op.logical_and(op.greater_equal(labels, first), op.less_equal(labels, last))
    index = op.subtract(op.select(inside, labels, first), first)
    row = op.broadcast(op.range(_whole(0), rows, _whole(1), "i32"), op.shape_of(index))
    pairs = op.concat([op.unsqueeze(one, _whole(-1)) for one in (row, index)], -1)
    selected = op.gather_nd(masks, pairs, batch_dims=axis)
    result.input(0).replace_source_output(selected.output(0))
    model.validate_nodes_and_infer_types()
    return replace(binding, selected=True)


def _whole(value: Any) -> Any:
    from openvino import opset13 as op

    return op.constant(np.array(value, np.int64))
