from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from samples import samples

import maskrle
from maskrle.crops import crops


def check(rles: maskrle.RLEBatch) -> None:
    """Every crop pasted into an empty image is the mask, and none of its sides is empty."""
    found = list(crops(rles))
    assert len(found) == len(rles)
    for crop, mask, area in zip(found, rles.to_masks(), rles.areas, strict=True):
        high, wide = crop.mask.shape
        pasted = np.zeros_like(mask)
        pasted[crop.y : crop.y + high, crop.x : crop.x + wide] = crop.mask
        np.testing.assert_array_equal(pasted, mask)
        assert crop.mask.dtype == np.uint8
        assert crop.mask.flags.c_contiguous
        assert crop.mask.any(axis=0).all() or area > 0
        if area:
            assert crop.mask[0].any()
            assert crop.mask[-1].any()
            assert crop.mask[:, 0].any()
            assert crop.mask[:, -1].any()
        else:
            assert crop.mask.size == 0


def test_encoded_masks_of_every_kind() -> None:
    for sample in samples(400, seed=5):
        check(
            maskrle.encode(sample.mask[None], sample.box[None], sample.image_size, threshold=sample.threshold)
        )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_runs_of_any_lengths(data: st.DataObject) -> None:
    """Also runs of no length, as other tools may write them, and runs over many columns."""
    height, width = data.draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    left, runs = height * width, []
    while left:
        runs.append(data.draw(st.integers(0 if len(runs) < 40 else 1, left)))
        left -= runs[-1]
    counts = maskrle.reference._string(runs)
    check(maskrle.RLEBatch.from_dicts([{"size": [height, width], "counts": counts}]))


@pytest.mark.parametrize("size", [(16_000, 16_000), (1, 10**9), (10**9, 1)])
def test_memory_goes_with_the_box(size: tuple[int, int]) -> None:
    masks = np.ones((2, 14, 14), np.float32)
    far = np.array(size[::-1], np.float32)
    boxes = np.array([[5, 5, 25, 30], [*(far - 40), *(far - 10)]], np.float32)
    for crop, area in zip(crops(batch := maskrle.encode(masks, boxes, size)), batch.areas, strict=True):
        assert crop.mask.size < 60_000
        assert crop.mask.sum() == area


def test_none() -> None:
    masks: NDArray[np.float32] = np.zeros((0, 14, 14), np.float32)
    assert list(crops(maskrle.encode(masks, np.zeros((0, 4), np.float32), (5, 5)))) == []
