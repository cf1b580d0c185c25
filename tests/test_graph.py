"""Steps moved into the model: close to OpenCV's preprocessing; the same bytes for the choice of channels."""

from __future__ import annotations

from typing import Any

import cv2
import graphs
import networks
import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray
from openvino import opset13 as op

from maskrle import Segmenter, shapes
from maskrle.binding import Binding, ImageInput, recognise
from maskrle.contracts import OMZ_TF, TORCHVISION, Contract
from maskrle.graph import with_preprocessing, with_selection
from maskrle.preprocess import Preprocessor


def photo(height: int, width: int) -> NDArray[np.uint8]:
    """Smooth as photographs are, with some noise."""
    rng = np.random.default_rng(height)
    small = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    smooth = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    return np.clip(smooth + rng.integers(-4, 5, smooth.shape), 0, 255).astype(np.uint8)


def both(
    image: NDArray[np.uint8], port: ImageInput, contract: Contract, resize: str, color: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What a network gets to see from OpenCV, and from the graph."""
    binding = Binding(contract, port, None, {})
    usual = Preprocessor(binding, resize, color)
    shape = [1, *port.size, 3] if port.layout == "NHWC" else [1, 3, *port.size]
    dynamic = [-1 if side is None else side for side in shape]
    parameter = graphs.named(op.parameter(dynamic, np.dtype(port.dtype)), "image")
    model = graphs.model([parameter], seen=op.maximum(parameter, op.constant(np.zeros((), port.dtype))))
    within = Preprocessor(binding, resize, color, with_preprocessing(model, binding, color))
    assert within.resized_size == 1
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    places = [usual.place(image)]
    return usual.inputs([image], places, 1)[0], compiled(within.inputs([image], places, 1))[0]


@pytest.mark.parametrize("resize", ["fit", "stretch"])
@pytest.mark.parametrize("image_size", [(60, 90), (480, 640), (640, 427), (1080, 1920), (5, 9), (1, 1)])
def test_close_to_opencv(resize: str, image_size: tuple[int, int]) -> None:
    port = ImageInput(0, "image", "NCHW", 1, (400, 600), "float32")
    usual, within = both(photo(*image_size), port, OMZ_TF, resize, "bgr")
    assert within.shape == usual.shape
    difference = np.abs(within - usual)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.2


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("color", ["bgr", "rgb"])
@pytest.mark.parametrize("size", [(40, 60), (None, None), (40, None), (None, 60)])
def test_without_a_change_of_size_it_is_equal(layout: str, dtype: str, color: str, size: Any) -> None:
    port = ImageInput(0, "image", layout, 1, size, dtype)
    usual, within = both(photo(40, 60), port, OMZ_TF, "none", color)
    np.testing.assert_array_equal(within, usual)
    assert within.dtype == usual.dtype


def test_white_as_one() -> None:
    port = ImageInput(0, "image", "NCHW", 1, (40, 60), "float32")
    usual, within = both(photo(40, 60), port, TORCHVISION, "none", "rgb")
    np.testing.assert_allclose(within, usual, rtol=2e-7)  # OpenVINO multiplies by 1 / 255


def test_padding_is_equal() -> None:
    port = ImageInput(0, "image", "NCHW", 1, (40, 90), "float32")
    usual, within = both(photo(40, 60), port, OMZ_TF, "fit", "bgr")
    np.testing.assert_array_equal(within, usual)


def test_the_embedded_network_finds_the_same() -> None:
    model = shapes.network()
    usual, within = Segmenter(model), Segmenter(model, preprocess="graph")
    assert model.inputs[0].get_element_type() == ov.Type.f32  # the given model is not changed
    for seed, size in ((1, (480, 640)), (2, (600, 500))):
        image, _ = shapes.scene(seed, size)
        one, other = usual(image), within(image)
        assert one.labels.tolist() == other.labels.tolist()
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.5)
        shared = (one.to_masks() & other.to_masks()).sum()
        assert shared > 0.99 * (one.to_masks() | other.to_masks()).sum()
        assert within.batch([image, image]) == [other, other]


def test_preprocessing_of_a_batch_is_refused() -> None:
    model = networks.network("omz-tf", [networks.answers("omz-tf", 1, seed=1)] * 2)
    with pytest.raises(ValueError, match="preprocess: 'graph' needs a model of batch 1, this one takes 2"):
        Segmenter(model, preprocess="graph")


@pytest.mark.parametrize("count", [0, 1, 100])
@pytest.mark.parametrize("contract", ["omz-tf", "tf-od", "segmentoly"])
def test_selection_gives_the_same_bytes(contract: str, count: int) -> None:
    known = networks.answers(contract, 100, seed=7)
    model = networks.network(contract, [known], all_classes=True)
    image = np.full((90, 110, 3), count, np.uint8)
    without, within = Segmenter(model), Segmenter(model, select_in_graph=True)
    assert len(within(image)) == count
    assert within(image) == without(image)


@pytest.mark.parametrize("contract", ["omz-tf", "tf-od", "segmentoly"])
def test_selection_leaves_one_mask_for_each_row(contract: str) -> None:
    model = networks.network(contract, [networks.answers(contract, 5, seed=1)], all_classes=True)
    binding = recognise(model)
    assert binding.contract.channels is not None
    masks = binding.outputs[binding.contract.channels.masks]
    before = model.outputs[masks].get_partial_shape().rank.get_length()
    selected = with_selection(model, binding)
    assert selected.selected
    assert model.outputs[masks].get_partial_shape().rank.get_length() == before - 1


@pytest.mark.parametrize("label", [np.nan, np.inf, -np.inf, -1, 0, 91, 3e38, -3e38])
def test_selection_survives_any_label(label: float) -> None:
    table, masks = graphs.rows(6, seed=1)
    table[:, 2] = [0.9, 0.8, 0.7, 0.1, 0.1, 0.1]
    table[3:, 1] = label
    image = np.full((50, 60, 3), 6, np.uint8)
    model = graphs.constant(table, masks)
    within = Segmenter(model, select_in_graph=True)
    assert within(image) == Segmenter(model)(image)
    table[1, 1] = label
    with pytest.raises(ValueError, match="row 1 has label"):
        Segmenter(graphs.constant(table, masks), select_in_graph=True)(image)


@pytest.mark.parametrize(("rows", "of_masks"), [(4, 9), (9, 4), (0, 3), (3, 0)])
@pytest.mark.parametrize("dynamic", [True, False])
def test_selection_of_rows_that_both_have(rows: int, of_masks: int, dynamic: bool) -> None:
    table, masks = graphs.rows(9, seed=1)
    table[:, 2] = 0.9
    table[min(rows, of_masks) :, 0] = -1
    image = np.full((50, 60, 3), 9, np.uint8)
    if dynamic:
        model = graphs.constant(table[:rows], masks[:of_masks])
    else:
        still = {"reshape_do_2d": op.constant(table[:rows]), "masks": op.constant(masks[:of_masks])}
        model = graphs.model(graphs.inputs(), **still)
    found = Segmenter(model, select_in_graph=True)(image)
    assert len(found) == min(rows, of_masks)
    assert found == Segmenter(model)(image)


@pytest.mark.parametrize("contract", ["tf-od", "omz-instance", "torchvision"])
def test_nothing_to_select(contract: str) -> None:
    model = networks.network(contract, [networks.answers(contract, 1, seed=1)])
    with pytest.raises(ValueError, match=f"select_in_graph: expected masks with .*{contract} has none"):
        Segmenter(model, select_in_graph=True)
