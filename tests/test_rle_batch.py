"""RLEBatch and decode."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from procedures import coco
from pycocotools import mask as coco_mask

import maskrle
from maskrle import RLEBatch

SIZE = (40, 60)


def batch_of(count: int = 5) -> RLEBatch:
    rng = np.random.default_rng(count)
    corners = np.sort(rng.uniform(0, 40, (count, 2, 2)), axis=1)
    masks = rng.random((count, 7, 7), dtype=np.float32)
    return maskrle.encode(masks, corners.reshape(count, 4).astype(np.float32), SIZE)


def test_dicts_are_pycocotools_own() -> None:
    batch = batch_of()
    rles = list(batch)
    assert [batch[i] for i in range(5)] == rles
    assert batch[-1] == rles[-1]
    assert batch[np.int64(2)] == rles[2]
    assert rles[0]["size"] == [40, 60]
    assert isinstance(rles[0]["counts"], bytes)
    drawn = coco_mask.decode(rles)
    assert (batch.to_masks() == drawn.transpose(2, 0, 1)).all()
    assert coco_mask.area(rles).tolist() == batch.areas.tolist()
    assert (coco_mask.toBbox(rles) == batch.bboxes).all()


def test_arrays() -> None:
    batch = batch_of()
    assert (batch.counts.dtype, batch.offsets.dtype) == (np.uint8, np.int64)
    assert (batch.areas.dtype, batch.bboxes.dtype) == (np.int64, np.float64)
    assert batch.offsets.shape == (6,)
    assert batch.bboxes.shape == (5, 4)
    strings = [
        batch.counts[a:b].tobytes() for a, b in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
    ]
    assert strings == [rle["counts"] for rle in batch]
    assert batch.image_size == SIZE
    assert repr(batch) == "RLEBatch(5 masks, 40 x 60)"
    with pytest.raises(ValueError, match="read-only"):
        batch.counts[0] = 0


def test_arrays_outlive_the_batch() -> None:
    counts = batch_of().counts
    again = batch_of()
    assert counts.tobytes() == again.counts.tobytes()


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [4, 2, 0]),
        (slice(9, 12), []),
        (np.array([3, 0, -1]), [3, 0, 4]),
        (np.array([], np.int64), []),
        (np.array([2], np.uint8), [2]),
        (np.array([True, False, False, True, False]), [0, 3]),
    ],
)
def test_selection(key: Any, rows: list[int]) -> None:
    batch = batch_of()
    part = batch[key]
    assert list(part) == [batch[row] for row in rows]
    assert part.areas.tolist() == batch.areas[rows].tolist()
    assert part.bboxes.tolist() == batch.bboxes[rows].tolist()
    assert part.image_size == SIZE


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (5, IndexError, "index 5 is out of range for 5 masks"),
        (-6, IndexError, "index -6 is out of range for 5 masks"),
        (2**70, IndexError, "index"),
        (np.array([0, 5]), IndexError, "index 5 is out of range for 5 masks"),
        (np.array([True]), ValueError, r"a bool index must have 5 values, got shape \(1,\)"),
        (1.0, TypeError, "an index must be an integer, a slice, or a 1D bool or integer array, got float"),
        ("a", TypeError, "got str"),
        (True, TypeError, "got bool"),
        (np.zeros((1, 1), int), TypeError, "got ndarray"),
        (np.zeros(5), TypeError, "got ndarray"),
    ],
)
def test_bad_selection(key: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        batch_of()[key]


def test_equality_and_pickling() -> None:
    batch = batch_of()
    assert batch == batch_of()
    assert batch != batch[1:]
    assert batch != list(batch)
    again = pickle.loads(pickle.dumps(batch))
    assert again == batch
    assert again.areas.tolist() == batch.areas.tolist()
    assert again.bboxes.tolist() == batch.bboxes.tolist()
    empty = pickle.loads(pickle.dumps(batch[:0]))
    assert (len(empty), empty.image_size) == (0, SIZE)
    with pytest.raises(TypeError, match="unhashable"):
        hash(batch)
    with pytest.raises(TypeError):
        RLEBatch()


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ((), ValueError, "no pickle of an RLEBatch"),
        ((1, (3, 3)), ValueError, "no pickle of an RLEBatch"),
        (([b"9"], (3, 3), 1), ValueError, "no pickle of an RLEBatch"),
        (([b"9", "9"], (3, 3)), TypeError, r"counts\[1\] must be bytes, got str"),
        (([b"9", b"8"], (3, 3)), ValueError, r"counts\[1\] is no RLE of its size"),
        (([], None), TypeError, "image_size must be"),
        (([], (0, 3)), ValueError, "image_size must be sides of at least 1"),
    ],
)
def test_garbage_is_no_pickle(state: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RLEBatch.__new__(RLEBatch).__setstate__(state)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 1)))
def test_round_trip_of_any_mask(pixels: Any) -> None:
    rle: Any = coco(pixels)
    assert (maskrle.decode(rle) == pixels).all()
    batch = RLEBatch.from_dicts([rle])
    assert batch[0] == rle
    assert batch.areas[0] == pixels.sum()
    assert batch.bboxes[0].tolist() == coco_mask.toBbox(rle).tolist()


def test_decode_takes_what_people_have() -> None:
    batch = batch_of()
    masks = batch.to_masks()
    assert masks.dtype == np.uint8
    assert masks.flags.c_contiguous
    texts = [{"size": tuple(rle["size"]), "counts": rle["counts"].decode()} for rle in batch]
    for rles in (batch, list(batch), tuple(batch), iter(batch), texts):
        assert (maskrle.decode(rles) == masks).all()
    assert (maskrle.decode(texts[3]) == masks[3]).all()
    assert maskrle.decode(RLEBatch.from_dicts([], (4, 5))).shape == (0, 4, 5)


RLE = {"size": [3, 4], "counts": "57"}  # runs 5, 7


@pytest.mark.parametrize(
    ("rles", "error", "message"),
    [
        (3, TypeError, "rles must be dicts with size and counts, got int"),
        ("57", TypeError, "rles must be dicts with size and counts, got str"),
        ([], ValueError, "image_size is required where there are no rles"),
        ([RLE, 5], TypeError, r"rles\[1\] must be a dict with size and counts, got int"),
        ([{"size": [3, 4]}], ValueError, r"rles\[0\] has no 'counts'"),
        ([{"counts": "57"}], ValueError, r"rles\[0\] has no 'size'"),
        ([{**RLE, "counts": [5, 7]}], TypeError, r"\['counts'\] must be a compressed string .*got list"),
        ([{**RLE, "size": [3]}], TypeError, r"rles\[0\]\['size'\] must be \(height, width\), two integers"),
        ([{**RLE, "size": [3, 0]}], ValueError, r"rles\[0\]\['size'\] must be sides of at least 1"),
        ([{**RLE, "size": [2**16, 2**16]}], ValueError, r"at most 2\*\*32 - 1 pixels"),
        (
            [RLE, {**RLE, "size": [4, 3]}],
            ValueError,
            r"rles\[1\]\['size'\] must be \[3, 4\] as the first, got \[4, 3\]",
        ),
        ([RLE, {**RLE, "counts": "5"}], ValueError, r"rles\[1\]\['counts'\] .*runs sum up to 5 of 12 pixels"),
        ([{**RLE, "counts": ""}], ValueError, "runs sum up to 0 of 12 pixels"),
        ([{**RLE, "counts": "58"}], ValueError, "character 1: runs beyond the image"),
        ([{**RLE, "counts": "5X"}], ValueError, "the string ends within a number"),
        ([{**RLE, "counts": "5 7"}], ValueError, "character 1: not a character of a COCO RLE string"),
        ([{**RLE, "counts": b"5\xff"}], ValueError, "character 1: not a character of a COCO RLE string"),
        ([{**RLE, "counts": "5O"}], ValueError, "character 1: a negative run"),
        ([{**RLE, "counts": "5PPPPPPPP0"}], ValueError, "character 1: a number of more than 7 characters"),
        ([{**RLE, "counts": "5é"}], ValueError, "not a character of a COCO RLE string"),
        ([{**RLE, "counts": "5\ud800"}], ValueError, r"rles\[0\]\['counts'\] .*not text that UTF-8 can hold"),
        ([{**RLE, "size": [2**70, 4]}], ValueError, r"rles\[0\]\['size'\] must be sides of at least 1"),
    ],
)
def test_hostile_strings(rles: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        maskrle.decode(rles)


def test_a_hostile_size_allocates_nothing() -> None:
    with pytest.raises(ValueError, match="runs sum up to 1 of 4294836225 pixels"):
        maskrle.decode({"size": [65535, 65535], "counts": "1"})
