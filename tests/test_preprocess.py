from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskrle.preprocess import Fitted, fit, read_image

NETWORK = (800, 1365)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


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
    fitted = fit(image, NETWORK)
    assert fitted.resized == resized
    assert fitted.image_size == image_size
    assert fitted.tensor.dtype == np.float32
    expected = np.zeros((*NETWORK, 3), np.uint8)
    expected[: resized[0], : resized[1]] = cv2.resize(image, resized[::-1])
    np.testing.assert_array_equal(fitted.tensor, expected.transpose(2, 0, 1)[None])


def test_an_image_of_the_networks_size_is_not_changed() -> None:
    image = noise(*NETWORK)
    np.testing.assert_array_equal(fit(image, NETWORK).tensor[0].transpose(1, 2, 0), image)


def test_strided_and_readonly_images() -> None:
    image = noise(60, 80)
    view = image[::2, ::-1, ::-1]
    view.setflags(write=False)
    np.testing.assert_array_equal(fit(view, NETWORK).tensor, fit(view.copy(), NETWORK).tensor)


@given(
    height=st.integers(1, 6000),
    width=st.integers(1, 6000),
    network=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    boxes=st.lists(st.floats(-2, 2, width=32), min_size=4, max_size=4),
)
def test_boxes_to_image(height: int, width: int, network: tuple[int, int], boxes: list[float]) -> None:
    scale = min(network[0] / height, network[1] / width)
    resized = max(int(scale * height), 1), max(int(scale * width), 1)
    fitted = Fitted(np.zeros((1, 3, *network), np.float32), (height, width), resized)
    expected = np.array([boxes], np.float32)
    expected[:, 0::2] *= network[1] / (resized[1] / width)
    expected[:, 1::2] *= network[0] / (resized[0] / height)
    given_boxes = np.array([boxes], np.float32)
    got = fitted.boxes_to_image(given_boxes, normalised=True)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(given_boxes, np.array([boxes], np.float32))


def test_boxes_in_pixels_of_the_network() -> None:
    fitted = Fitted(np.zeros((1, 3, *NETWORK), np.float32), (400, 500), (800, 1000))
    got = fitted.boxes_to_image(np.array([[0, 200, 1000, 800]], np.float32), normalised=False)
    assert got.tolist() == [[0, 100, 500, 400]]


@pytest.mark.parametrize("name", ["plain.png", "mit Leerzeichen.png", "写真-é.png", "[b]x.png", "no suffix"])
def test_reads_files_of_any_name(tmp_path: Path, name: str) -> None:
    image = noise(11, 13)
    path = tmp_path / name
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    for given_path in (path, str(path)):
        np.testing.assert_array_equal(read_image(given_path), image)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (noise(9, 7)[..., 0], np.repeat(noise(9, 7)[..., :1], 3, axis=2)),
        (np.dstack([noise(9, 7), np.zeros((9, 7), np.uint8)]), noise(9, 7)),
        (noise(9, 7).astype(np.uint16) * 256, noise(9, 7)),
    ],
    ids=["gray", "alpha", "16 bit"],
)
def test_files_become_eight_bit_colour(
    tmp_path: Path, stored: NDArray[Any], expected: NDArray[np.uint8]
) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(cv2.imencode(".png", stored)[1].tobytes())
    np.testing.assert_array_equal(read_image(path), expected)
    np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


def test_exif_orientation_is_obeyed(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", noise(20, 30))[1].tobytes()
    # APP1 with a single entry: orientation (0x0112) 6, to be shown turned by a quarter.
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
    segment = b"Exif\x00\x00" + tiff
    exif = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    path = tmp_path / "turned.jpg"
    path.write_bytes(jpeg[:2] + exif + jpeg[2:])
    image = read_image(path)
    assert image.shape == (30, 20, 3)
    np.testing.assert_array_equal(image, cv2.imread(str(path)))


def test_a_jpeg_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", noise(90, 120))[1].tobytes()
    path = tmp_path / "cut.jpg"
    for length in (len(jpeg) // 2, len(jpeg) - 2):
        path.write_bytes(jpeg[:length])
        np.testing.assert_array_equal(read_image(path), cv2.imread(str(path)))


def test_files_that_are_no_images(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.png"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(OSError, match=tmp_path.name):
        read_image(tmp_path)
    for content in (b"", b"no image", b"\x89PNG\r\n\x1a\n"):
        path = tmp_path / "broken.png"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"broken\.png: .*OpenCV can"):
            read_image(path)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (3, TypeError, "expected a path or a uint8 array .*got int"),
        (None, TypeError, "got NoneType"),
        ([[0]], TypeError, "got list"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "expected dtype uint8, got float32"),
        (np.zeros((4, 4), np.uint8), ValueError, r"expected shape \[H, W, 3\].*got \[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"got \[4, 4, 4\]"),
        (np.zeros((1, 3, 4, 4), np.uint8), ValueError, r"got \[1, 3, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"got \[0, 4, 3\]"),
    ],
)
def test_arrays_are_checked(image: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_image(image)


def test_arrays_are_not_copied() -> None:
    image = noise(3, 4)
    assert read_image(image) is image
