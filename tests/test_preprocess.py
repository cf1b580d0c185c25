from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskrle.binding import Binding, ImageInput
from maskrle.contracts import OMZ_TF, SEGMENTOLY, TORCHVISION
from maskrle.preprocess import Memory, Placement, Preprocessor, place

NETWORK = (800, 1365)
IMAGE = ImageInput(0, "image", "NCHW", 1, NETWORK, "float32")


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def prepared(image: NDArray[np.uint8], resize: str = "fit", color: str = "bgr", **port: Any) -> NDArray[Any]:
    preprocessor = Preprocessor(Binding(OMZ_TF, replace(IMAGE, **port), None, {}), resize, color)
    return preprocessor.inputs([image], [preprocessor.place(image)], 1)[0]


@pytest.mark.parametrize(
    ("image_size", "resized"),
    [
        ((800, 1365), (800, 1365)),
        ((480, 640), (800, 1066)),
        ((640, 480), (800, 600)),
        ((427, 640), (800, 1199)),
        ((1080, 1920), (767, 1365)),
        ((2160, 3840), (767, 1365)),
        ((1, 1), (800, 800)),
        ((1, 5000), (1, 1365)),  # less than a pixel high otherwise
        ((5000, 1), (800, 1)),
    ],
)
def test_fit(image_size: tuple[int, int], resized: tuple[int, int]) -> None:
    image = noise(*image_size)
    assert place(image_size, NETWORK, "fit") == Placement(image_size, resized, NETWORK)
    expected = np.zeros((*NETWORK, 3), np.uint8)
    expected[: resized[0], : resized[1]] = cv2.resize(image, resized[::-1])
    tensor = prepared(image)
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor, expected.transpose(2, 0, 1)[None])


@pytest.mark.parametrize("color", ["bgr", "rgb"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_stretch_in_every_layout_type_and_order(color: str, layout: str, dtype: str) -> None:
    image = noise(40, 70)
    expected = cv2.resize(image, NETWORK[::-1])
    if color == "rgb":
        expected = cv2.cvtColor(expected, cv2.COLOR_BGR2RGB)
    tensor = prepared(image, "stretch", color, layout=layout, dtype=dtype)
    assert tensor.dtype == dtype
    np.testing.assert_array_equal(tensor[0] if layout == "NHWC" else tensor[0].transpose(1, 2, 0), expected)


@pytest.mark.parametrize(
    ("size", "resize", "resized", "network"),
    [
        ((None, None), "fit", (60, 90), (60, 90)),
        ((None, None), "stretch", (60, 90), (60, 90)),
        ((None, None), "none", (60, 90), (60, 90)),
        ((120, None), "fit", (120, 180), (120, 180)),
        ((None, 45), "fit", (30, 45), (30, 45)),
        ((120, None), "stretch", (120, 90), (120, 90)),
        ((60, None), "none", (60, 90), (60, 90)),
        ((100, 100), "stretch", (100, 100), (100, 100)),
    ],
)
def test_dynamic_sides(size: Any, resize: str, resized: tuple[int, int], network: tuple[int, int]) -> None:
    assert place((60, 90), size, resize) == Placement((60, 90), resized, network)


def test_none_takes_no_other_size() -> None:
    with pytest.raises(ValueError, match=r"resize: 'none' takes images of anyx91 .*got 60x90"):
        place((60, 90), (None, 91), "none")


def test_white_as_one() -> None:
    preprocessor = Preprocessor(Binding(TORCHVISION, replace(IMAGE, size=(2, 2)), None, {}), "fit", "rgb")
    image = np.array([[[0, 1, 254], [255, 3, 2]], [[9, 8, 7], [4, 5, 6]]], np.uint8)
    (tensor,) = preprocessor.inputs([image], [preprocessor.place(image)], 1).values()
    expected = image[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / np.float32(
        255
    )  # as ToTensor does
    np.testing.assert_array_equal(tensor, expected)


def test_a_batch_and_its_sizes() -> None:
    port = replace(IMAGE, size=(20, 30), batch=3)
    images = [noise(10, 10), noise(20, 30)]
    for contract, sizes in ((OMZ_TF, [20, 30]), (SEGMENTOLY, [20, 20])):
        preprocessor = Preprocessor(Binding(contract, port, 1, {}), "fit", "bgr")
        places = [preprocessor.place(image) for image in images]
        inputs = preprocessor.inputs(images, places, 3)
        assert inputs[0].shape == (3, 3, 20, 30)
        assert inputs[0][:2].any(axis=(1, 2, 3)).all()
        assert not inputs[0][2].any()
        assert inputs[1].tolist() == [[*sizes, 1], [20, 30, 1], [20, 30, 1]]


def test_an_image_of_the_networks_size_is_not_changed() -> None:
    image = noise(*NETWORK)
    np.testing.assert_array_equal(prepared(image)[0].transpose(1, 2, 0), image)


def test_strided_and_readonly_images() -> None:
    image = noise(60, 80)
    view = image[::2, ::-1, ::-1]
    view.setflags(write=False)
    np.testing.assert_array_equal(prepared(view), prepared(view.copy()))


@given(
    height=st.integers(1, 6000),
    width=st.integers(1, 6000),
    network=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    boxes=st.lists(st.floats(-2, 2, width=32), min_size=4, max_size=4),
    normalised=st.booleans(),
)
def test_boxes_to_image(
    height: int, width: int, network: tuple[int, int], boxes: list[float], normalised: bool
) -> None:
    placement = place((height, width), network, "fit")
    expected = np.array([boxes], np.float32)
    scale_x, scale_y = placement.resized[1] / width, placement.resized[0] / height
    if normalised:
        expected[:, 0::2] *= network[1] / scale_x
        expected[:, 1::2] *= network[0] / scale_y
    else:
        expected[:, 0::2] /= scale_x
        expected[:, 1::2] /= scale_y
    given_boxes = np.array([boxes], np.float32)
    got = placement.boxes_to_image(given_boxes, normalised=normalised)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(given_boxes, np.array([boxes], np.float32))


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(-2, 2, width=32))
def test_stretched_fractions_are_fractions_of_the_image(side: int, network: int, edge: float) -> None:
    placement = place((side, side), (network, network), "stretch")
    got = placement.boxes_to_image(np.full((1, 4), edge, np.float32), normalised=True)
    assert (got == np.float32(edge) * np.float32(side)).all()  # as accuracy_checker does


def test_memory_that_is_written_over_gives_the_same_inputs() -> None:
    """Pictures of many shapes one after the other, in the same memory: nothing of the last one stays."""
    rng = np.random.default_rng(0)
    for layout in ("NCHW", "NHWC"):
        for color in ("bgr", "rgb"):
            used, memory = preprocessor(layout, color), Memory()
            for size in ((90, 120), (30, 200), (200, 30), (64, 96), (64, 96), (1, 1)):
                image = rng.integers(1, 256, (*size, 3), dtype=np.uint8)
                places = [used.place(image)]
                fresh, again = (used.inputs([image], places, 2, given)[0] for given in (None, memory))
                np.testing.assert_array_equal(fresh, again)
                assert image.min() > 0  # the picture itself is left alone


def preprocessor(layout: str, color: str) -> Preprocessor:
    port = ImageInput(0, "image", layout, 2, (64, 96), "float32")
    return Preprocessor(Binding(OMZ_TF, port, None, {}), "fit", color)
