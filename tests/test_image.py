from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from maskrle.image import read_image


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


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
        (noise(9, 7).astype(np.uint16) * 256 + 255, noise(9, 7)),
        (noise(9, 7)[..., 0].astype(np.uint16) * 256, np.repeat(noise(9, 7)[..., :1], 3, axis=2)),
    ],
    ids=["grey", "alpha", "16 bit", "16 bit grey"],
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
        np.testing.assert_array_equal(read_image(path.read_bytes()), cv2.imread(str(path)))


def test_files_of_gigabytes_are_not_even_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate(2**34)  # none of it on the disk
    with pytest.raises(ValueError, match=r"huge\.png: 17179869184 bytes, and OpenCV reads no image of more"):
        read_image(tmp_path / "huge.png")


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
        with pytest.raises(ValueError, match=r"^image: .*OpenCV can"):
            read_image(content)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (3, TypeError, "expected a path, bytes or a uint8 array .*got int"),
        (None, TypeError, "got NoneType"),
        ([[0]], TypeError, "got list"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "expected dtype uint8, got float32; scale it"),
        (np.zeros((4, 4), np.uint16), TypeError, "expected dtype uint8, got uint16; scale it"),
        (np.zeros(4, np.uint8), ValueError, r"expected shape \[H, W, 3\].*got \[4\]"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"got \[4, 4, 2\]"),
        (np.zeros((4, 4, 5), np.uint8), ValueError, r"got \[4, 4, 5\]"),
        (np.zeros((1, 3, 4, 4), np.uint8), ValueError, r"got \[1, 3, 4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, r"got \[0, 4, 3\]"),
    ],
)
def test_arrays_are_checked(image: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_image(image)


def test_arrays_are_not_copied() -> None:
    image = noise(3, 4)
    assert np.shares_memory(read_image(image), image)
    np.testing.assert_array_equal(read_image(image), image)


def test_grey_and_transparent_arrays() -> None:
    image = noise(5, 6)
    grey = image[..., 0]
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(read_image(array), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    with_alpha = np.dstack([image, np.zeros((5, 6), np.uint8)])
    np.testing.assert_array_equal(read_image(with_alpha), image)
