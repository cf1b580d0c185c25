from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from samples import coco_like, samples

from maskrle import RLEBatch, encode
from maskrle.polygons import Polygons, polygons


def drawn(found: Polygons, size: tuple[int, int]) -> NDArray[np.uint8]:
    """What COCO's tools make of an annotation's segmentation."""
    if not found:
        return np.zeros(size, np.uint8)
    pixels: NDArray[np.uint8] = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(found, *size)))
    return pixels


def of(pixels: Any) -> Polygons:
    rle = coco_mask.encode(np.asfortranarray(pixels, np.uint8))
    (found,) = polygons(RLEBatch.from_dicts([rle]))
    return found


def check(pixels: NDArray[np.uint8]) -> None:
    found = of(pixels)
    np.testing.assert_array_equal(drawn(found, pixels.shape), pixels)
    for part in found:
        assert len(part) >= 8
        assert len(part) % 2 == 0
        assert all(type(value) is float for value in part)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 16), st.integers(1, 16)), elements=st.integers(0, 1)),
    st.integers(1, 7),
    st.integers(1, 7),
)
def test_coco_draws_the_very_mask(pixels: NDArray[np.uint8], down: int, across: int) -> None:
    """Whatever its parts and holes: any mask of small rectangles."""
    check(np.kron(pixels, np.ones((down, across), np.uint8)))


def test_encoded_masks_of_every_kind() -> None:
    for sample in samples(200, seed=8):
        rles = encode(sample.mask[None], sample.box[None], sample.image_size, threshold=sample.threshold)
        np.testing.assert_array_equal(drawn(polygons(rles)[0], sample.image_size), rles.to_masks()[0])


def test_masks_of_a_network() -> None:
    masks, boxes, channels = coco_like(30, (480, 640), seed=2)
    rles = encode(masks, boxes, (480, 640), channels=channels)
    for found, pixels in zip(polygons(rles), rles.to_masks(), strict=True):
        np.testing.assert_array_equal(drawn(found, (480, 640)), pixels)


def test_corners() -> None:
    pixels = np.zeros((6, 9), np.uint8)
    pixels[1:4, 2:7] = 1
    (part,) = of(pixels)
    corners = list(zip(part[::2], part[1::2], strict=True))
    assert sorted(corners) == [(2, 1), (2, 4), (7, 1), (7, 4)]


def test_parts_are_polygons_and_holes_are_not() -> None:
    pixels = np.zeros((20, 30), np.uint8)
    pixels[2:10, 2:12] = 1
    pixels[4:6, 4:6] = pixels[7:9, 8:10] = 0
    pixels[12:18, 15:29] = 1
    found = of(pixels)
    assert sorted(map(len, found)) == [8, 2 * (4 + 2 * (4 + 2))]
    check(pixels)
    # A part within the hole of another is a part of its own.
    pixels[:] = 1
    pixels[3:17, 3:27] = 0
    pixels[6:12, 8:20] = 1
    assert len(of(pixels)) == 2
    check(pixels)


def test_corners_that_touch_are_one_part() -> None:
    pixels = np.zeros((4, 4), np.uint8)
    pixels[:2, :2] = pixels[2:, 2:] = 1
    assert len(of(pixels)) == 1
    check(pixels)


@pytest.mark.parametrize("value", [0, 1])
def test_nothing_and_everything(value: int) -> None:
    pixels = np.full((5, 7), value, np.uint8)
    assert of(pixels) == ([[0, 0, 0, 5, 7, 5, 7, 0]] if value else [])
    check(pixels)
