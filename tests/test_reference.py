"""The numpy twin against the literal procedures, and the native path against the twin."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from procedures import accuracy_checker, coco, model_api, tensorflow
from samples import KINDS, samples

import maskrle
from maskrle import _core, reference
from maskrle.reference import PASTES


@pytest.mark.parametrize(("paste", "procedure"), [("omz", accuracy_checker), ("model_api", model_api)])
def test_equals_opencv(paste: str, procedure: Any) -> None:
    for sample in samples(40 * len(KINDS), seed=11):
        pixels = procedure(sample.mask, sample.box, sample.image_size, sample.threshold)
        got = reference.encode(
            sample.mask[None], sample.box[None], sample.image_size, paste=paste, threshold=sample.threshold
        )
        assert got[0] == coco(pixels), sample


def test_tf_equals_its_formula() -> None:
    for sample in samples(2 * len(KINDS), seed=12):
        if max(sample.image_size) > 65:
            continue
        values = tensorflow(sample.mask, sample.box, sample.image_size)
        got = reference.encode(
            sample.mask[None], sample.box[None], sample.image_size, paste="tf", threshold=sample.threshold
        )
        assert got[0] == coco((values > np.float32(sample.threshold)).astype(np.uint8)), sample


def test_tf_literal_example(backend: str) -> None:
    """TensorFlow's own test case: the values, and what is on at thresholds between them."""
    mask = np.array([[1, 0], [0, 1]], np.float32)
    box = np.array([0.25, 0.5, 0.75, 1.0], np.float32) * 4  # y, x, y, x
    box = box[[1, 0, 3, 2]]
    expected = np.zeros((4, 4))
    expected[1:3, 2:4] = [[0.6111111, 0.16666669], [0.3888889, 0.83333337]]
    assert np.allclose(tensorflow(mask, box, (4, 4)), expected, atol=1e-7)
    for threshold in (0.1, 0.2, 0.5, 0.7, 0.9):
        for encode in (maskrle.encode, reference.encode):
            drawn = encode(mask[None], box[None], (4, 4), paste="tf", threshold=threshold).to_masks()[0]
            assert (drawn == (expected > threshold)).all()


@pytest.mark.parametrize("paste", PASTES)
def test_native_equals_twin(paste: str, backend: str) -> None:
    for sample in samples(30 * len(KINDS), seed=13):
        arguments: Any = (sample.mask[None], sample.box[None], sample.image_size)
        got = maskrle.encode(*arguments, paste=paste, threshold=sample.threshold)
        expected = reference.encode(*arguments, paste=paste, threshold=sample.threshold)
        assert got == expected, sample
        assert got.areas.tolist() == expected.areas.tolist()
        assert got.bboxes.tolist() == expected.bboxes.tolist()


@pytest.mark.parametrize("paste", PASTES)
def test_every_small_case(paste: str, backend: str) -> None:
    """All 2 x 2 masks over four values, one of them the threshold, x all small boxes x small images."""
    values = np.array([0, 0.5, np.nextafter(np.float32(0.5), np.float32(1)), 1], np.float32)
    masks = np.array(list(itertools.product(values, repeat=4)), np.float32).reshape(-1, 2, 2)
    edges = [(a, b) for a in (-1.0, 0.0, 0.5, 2.0) for b in (0.25, 1.0, 3.0, 5.5)]
    for size in ((1, 1), (2, 3), (4, 2)):
        for (x0, x1), (y0, y1) in itertools.product(edges, edges[::3]):
            boxes = np.tile(np.array([x0, y0, x1, y1], np.float32), (len(masks), 1))
            got = maskrle.encode(masks, boxes, size, paste=paste)
            assert got.counts.tobytes() == _drawn(masks, boxes[0], size, paste), (size, boxes[0])


_DRAWN: dict[Any, bytes] = {}


def _drawn(masks: Any, box: Any, size: tuple[int, int], paste: str) -> bytes:
    key = (size, box.tobytes(), paste)
    if key not in _DRAWN:  # the same for every instruction set
        _DRAWN[key] = b"".join(
            reference._string(reference._runs(reference._paste(mask, box, size, paste, np.float32(0.5))))
            for mask in masks
        )
    return _DRAWN[key]


FLOATS = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, float(np.nextafter(np.float32(0.5), np.float32(1)))]),
    st.floats(-2, 2, width=32),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(data=st.data())
def test_properties(data: st.DataObject) -> None:
    """Any mask, box, image, convention, threshold and dtype: every instruction set gives the twin's bytes."""
    size = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    sides = data.draw(st.tuples(st.integers(1, 70), st.integers(1, 70)))
    count = data.draw(st.integers(0, 3))
    dtype = data.draw(st.sampled_from([np.float32, np.float16]))
    masks = data.draw(hnp.arrays(np.float32, (count, 2, *sides), elements=FLOATS, fill=FLOATS)).astype(dtype)
    edge = st.one_of(
        st.floats(-200, 300, width=32), st.integers(-9, 99).map(float), st.floats(-1e9, 1e9, width=32)
    )
    boxes = data.draw(hnp.arrays(np.float32, (count, 4), elements=edge))
    if data.draw(st.booleans()):
        boxes = np.concatenate(
            [np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], 1
        )
    channels = data.draw(hnp.arrays(np.int64, count, elements=st.integers(0, 1)))
    paste = data.draw(st.sampled_from(PASTES))
    threshold = data.draw(FLOATS)
    arguments: Any = (masks, boxes, size, channels)
    expected = reference.encode(*arguments, paste=paste, threshold=threshold)
    before = maskrle.build_config()["backend"]
    try:
        for name in maskrle.backends():
            _core._use_backend(name)
            got = maskrle.encode(*arguments, paste=paste, threshold=threshold)
            assert got == expected
            assert got.areas.tolist() == expected.areas.tolist()
            assert got.bboxes.tolist() == expected.bboxes.tolist()
    finally:
        _core._use_backend(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"paste": "coco"}, "paste must be one of"),
        ({"channels": None}, "channels is required"),
        ({"channels": np.array([3])}, "channels must be from 0 to 1, got 3 at index 0"),
        ({"boxes": np.zeros((2, 4), np.float32)}, "must be as many, got 1, 2, 1"),
        ({"boxes": np.full((1, 4), np.nan, np.float32)}, "boxes must be finite"),
        ({"masks": np.full((1, 2, 3, 3), np.inf, np.float32)}, "masks must be finite"),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    good = {
        "masks": np.zeros((1, 2, 3, 3), np.float32),
        "boxes": np.zeros((1, 4), np.float32),
        "image_size": (5, 5),
        "channels": np.array([1]),
    }
    with pytest.raises(ValueError, match=message):
        reference.encode(**{**good, **arguments})
