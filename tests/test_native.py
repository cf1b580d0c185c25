"""`maskrle.encode` against the established procedures, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from procedures import accuracy_checker, coco, grid_sample, model_api
from pycocotools import mask as coco_mask
from samples import KINDS, coco_like, samples

import maskrle
from maskrle import _core, reference
from maskrle.reference import PASTES


def assert_equals_coco(batch: maskrle.RLEBatch, index: int, expected: dict[str, Any], note: object) -> None:
    assert batch[index] == expected, note
    assert batch.areas[index] == coco_mask.area(expected), note
    assert batch.bboxes[index].tolist() == coco_mask.toBbox(expected).tolist(), note


@pytest.mark.parametrize(("paste", "procedure"), [("omz", accuracy_checker), ("model_api", model_api)])
def test_equals_opencv_and_pycocotools(paste: str, procedure: Any, backend: str) -> None:
    """2,200 masks of every kind, each a convention and an instruction set: the same bytes."""
    for number, sample in enumerate(samples(200 * len(KINDS), seed=1)):
        expected = coco(procedure(sample.mask, sample.box, sample.image_size, sample.threshold))
        batch = maskrle.encode(
            sample.mask[None], sample.box[None], sample.image_size, paste=paste, threshold=sample.threshold
        )
        assert_equals_coco(batch, 0, expected, (number, sample.kind, sample.box, sample.image_size))


@pytest.mark.parametrize("image_size", [(480, 640), (800, 1365), (1365, 800), (33, 2000)])
def test_coco_like_batches(image_size: tuple[int, int], backend: str) -> None:
    masks, boxes, channels = coco_like(40, image_size, seed=2)
    batch = maskrle.encode(masks, boxes, image_size, channels)
    assert len(batch) == 40
    for i in range(40):
        expected = coco(accuracy_checker(masks[i, channels[i]], boxes[i], image_size, 0.5))
        assert_equals_coco(batch, i, expected, i)
    assert sum(batch.areas > 0) > 30


def test_detectron2_equals_grid_sample_away_from_the_threshold(backend: str) -> None:
    compared = 0
    for sample in samples(20 * len(KINDS), seed=3):
        if sample.threshold <= 0 or not (sample.box[2:] - sample.box[:2] > 0.01).all():
            continue  # zeros outside the window count as on; boxes without extent divide by nothing
        values = grid_sample(sample.mask, sample.box, sample.image_size)
        # The sampling positions are float: their error, in cells, moves values by as much times the slope.
        doubtful = np.abs(values - sample.threshold) < 1e-5 * max(1, *sample.mask.shape) * max(
            1, np.abs(sample.box).max() / (sample.box[2:] - sample.box[:2]).min()
        )
        batch = maskrle.encode(
            sample.mask[None],
            sample.box[None],
            sample.image_size,
            paste="detectron2",
            threshold=sample.threshold,
        )
        drawn = batch.to_masks()[0].astype(bool)
        assert (drawn == (values >= sample.threshold))[~doubtful].all(), sample
        compared += int((~doubtful).sum())
    assert compared > 100_000


@pytest.mark.parametrize("paste", PASTES)
def test_any_strides_and_half_precision(paste: str, backend: str) -> None:
    rng = np.random.default_rng(4)
    whole = rng.random((6, 5, 40, 70), dtype=np.float32)
    boxes = np.array([[5, 3, 90, 50]] * 3, np.float32) + rng.random((3, 4), dtype=np.float32)
    channels = np.array([2, 0, 1])
    unaligned = np.frombuffer(b"x" + whole.tobytes(), np.uint8)[1:].view(np.float32).reshape(whole.shape)
    assert not unaligned.flags.aligned
    views: list[Any] = [
        whole[::2, :3],
        whole[2::-1, ::2, ::-1, ::-1],
        whole.transpose(0, 1, 3, 2)[:3],
        whole[:3, :3, 3:17:2, 1::3],
        np.asfortranarray(whole)[:3, :, :, :33],
        np.broadcast_to(whole[0, 0], (3, 3, 40, 70)),
        unaligned[:3],
    ]
    for view in [
        *views,
        *(view.astype(np.float16) for view in views),
        whole.astype(np.float16)[::-2, :, ::3, ::-2],
    ]:
        copy = np.ascontiguousarray(view)
        got = maskrle.encode(view, boxes, (60, 100), channels, paste=paste)
        assert got == maskrle.encode(copy, boxes, (60, 100), channels, paste=paste)
        assert got == reference.encode(copy.astype(np.float32), boxes, (60, 100), channels, paste=paste)
    boxes_view = np.repeat(boxes, 2, axis=0)[::2]
    channels_view = np.repeat(channels, 2).astype(np.uint8)[::-2][::-1]
    expected = maskrle.encode(whole[:3], boxes, (60, 100), channels, paste=paste)
    assert maskrle.encode(whole[:3], boxes_view, (60, 100), channels_view, paste=paste) == expected


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 1024), (1024, 1), (1024, 1024), (62, 62), (63, 62), (62, 63), (3, 65)]
)
def test_mask_sides(size: tuple[int, int], backend: str) -> None:
    rng = np.random.default_rng(5)
    masks = rng.random((1, *size), dtype=np.float32)
    box = np.array([[-20, 10, 320, 190]], np.float32)
    for paste in PASTES:
        assert maskrle.encode(masks, box, (200, 300), paste=paste) == reference.encode(
            masks, box, (200, 300), paste=paste
        )


def test_images_too_large_to_draw(backend: str) -> None:
    """The same box at the end of a huge image and of a small one: the same mask, moved."""
    mask = np.ones((1, 2, 2), np.float32)
    size, moved = (65535, 65537), 64000  # 2**32 - 1 pixels
    box = np.array([[65000, 64000, 70000, 70000]], np.float32)
    batch = maskrle.encode(mask, box, size)
    small = reference.encode(mask, box - moved, (size[0] - moved, size[1] - moved))
    assert batch.areas[0] == small.areas[0] > 100_000
    assert batch.bboxes.tolist() == (small.bboxes + np.array([moved, moved, 0, 0])).tolist()
    again = maskrle.RLEBatch.from_dicts(list(batch))
    assert again == batch
    assert again.areas.tolist() == batch.areas.tolist()
    assert again.bboxes.tolist() == batch.bboxes.tolist()


def test_empty_batch_and_empty_masks() -> None:
    for masks in (np.zeros((0, 90, 33, 33), np.float32), np.zeros((0, 33, 33), np.float16)):
        batch = maskrle.encode(masks, np.zeros((0, 4), np.float32), (480, 640))
        assert len(batch) == 0
        assert list(batch) == []
        assert batch.image_size == (480, 640)
        assert batch.to_masks().shape == (0, 480, 640)
        assert batch.offsets.tolist() == [0]
    outside = np.array([[700, 10, 800, 50], [10, -90, 50, -20]], np.float32)
    batch = maskrle.encode(np.ones((2, 33, 33), np.float32), outside, (480, 640))
    assert batch.areas.tolist() == [0, 0]
    assert batch.bboxes.tolist() == [[0, 0, 0, 0]] * 2
    assert batch[0] == coco(np.zeros((480, 640), np.uint8))


@pytest.mark.parametrize("threshold", [np.inf, -np.inf, 1e300, -1e300, 0.0, 1])
def test_thresholds_at_the_ends(threshold: float, backend: str) -> None:
    masks = np.random.default_rng(6).random((2, 9, 7), dtype=np.float32)
    boxes = np.array([[3, 4, 30, 20], [0, 0, 40, 150]], np.float32)
    for paste in PASTES:
        got = maskrle.encode(masks, boxes, (100, 50), paste=paste, threshold=threshold)
        with np.errstate(over="ignore"):
            assert got == reference.encode(masks, boxes, (100, 50), paste=paste, threshold=threshold)


def test_values_near_the_largest_float(backend: str) -> None:
    rng = np.random.default_rng(7)
    masks = (rng.random((4, 9, 7)) * np.array([3e38, 1e37, 1e-38, 1e-44]).reshape(4, 1, 1)).astype(np.float32)
    masks *= rng.choice([-1, 1], masks.shape).astype(np.float32)
    boxes = np.array([[3, 4, 45.5, 90]] * 4, np.float32)
    for paste in PASTES:
        for threshold in (0.0, 1e-44, 1e30):
            got = maskrle.encode(masks, boxes, (100, 50), paste=paste, threshold=threshold)
            assert got == reference.encode(masks, boxes, (100, 50), paste=paste, threshold=threshold)


def test_many_threads_one_array() -> None:
    masks, boxes, channels = coco_like(30, (480, 640), seed=8)
    expected = maskrle.encode(masks, boxes, (480, 640), channels)
    results: list[bool] = []

    def work() -> None:
        results.extend(maskrle.encode(masks, boxes, (480, 640), channels) == expected for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 160


MASKS = np.full((2, 3, 4, 4), 0.75, np.float32)
BOXES = np.array([[1, 1, 9, 9], [2, 2, 5, 5]], np.float32)
CHANNELS = np.array([0, 2])


def with_value(array: Any, index: tuple[int, ...], value: float) -> Any:
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"masks": MASKS.tolist()}, TypeError, "masks must be a numpy array of float32 or float16, got list"),
        ({"masks": MASKS.astype(np.float64)}, TypeError, "masks must be float32 or float16, got float64"),
        ({"masks": MASKS.astype(np.uint8)}, TypeError, "masks must be float32 or float16, got uint8"),
        ({"masks": MASKS.astype(">f4")}, TypeError, "masks must be float32 or float16, got >f4"),
        (
            {"masks": MASKS[0, 0]},
            ValueError,
            r"masks must be \[N, C, h, w\] or \[N, h, w\], got shape \(4, 4\)",
        ),
        ({"masks": MASKS[None]}, ValueError, r"masks must be .*, got shape \(1, 2, 3, 4, 4\)"),
        ({"masks": MASKS[..., :0]}, ValueError, r"sides from 1 to 1024, got shape \(2, 3, 4, 0\)"),
        (
            {"masks": np.zeros((2, 3, 1, 1025), np.float32)},
            ValueError,
            r"sides from 1 to 1024, got shape \(2, 3, 1, 1025\)",
        ),
        (
            {"masks": with_value(MASKS, (1, 2, 3, 0), np.nan)},
            ValueError,
            "masks must be finite, got nan in mask 1, channel 2, row 3, column 0",
        ),
        (
            {"masks": with_value(MASKS, (0, 0, 1, 2), -np.inf)},
            ValueError,
            "masks must be finite, got -inf in mask 0, channel 0, row 1, column 2",
        ),
        (
            {"masks": with_value(MASKS.astype(np.float16), (0, 0, 3, 3), np.inf)},
            ValueError,
            "masks must be finite, got inf in mask 0, channel 0, row 3, column 3",
        ),
        ({"masks": MASKS[:, :0]}, ValueError, r"at least one channel, got shape \(2, 0, 4, 4\)"),
        ({"boxes": BOXES.tolist()}, TypeError, "boxes must be a numpy array of float32, got list"),
        ({"boxes": BOXES.astype(np.float64)}, TypeError, "boxes must be float32, got float64"),
        ({"boxes": BOXES[0]}, ValueError, r"boxes must be \[N, 4\], got shape \(4,\)"),
        ({"boxes": BOXES[:, :3]}, ValueError, r"boxes must be \[N, 4\], got shape \(2, 3\)"),
        ({"boxes": BOXES[:1]}, ValueError, r"boxes must be as many as masks \(2\), got shape \(1, 4\)"),
        (
            {"boxes": with_value(BOXES, (1, 2), np.nan)},
            ValueError,
            "boxes must be finite .*x_max = nan in box 1",
        ),
        (
            {"boxes": with_value(BOXES, (0, 1), np.inf)},
            ValueError,
            "boxes must be finite .*y_min = inf in box 0",
        ),
        (
            {"boxes": with_value(BOXES, (0, 3), 1.1e9)},
            ValueError,
            r"within \+-1e9, got y_max = 1.1e\+09 in box 0",
        ),
        ({"channels": None}, ValueError, "channels is required: masks have 3 channels"),
        ({"channels": [0, 1]}, TypeError, "channels must be a numpy array of integers, got list"),
        ({"channels": np.array([0.0, 1.0])}, TypeError, "channels must be integers, got float64"),
        ({"channels": np.array([True, False])}, TypeError, "channels must be integers, got bool"),
        ({"channels": CHANNELS[None]}, ValueError, r"channels must be \[N\], got shape \(1, 2\)"),
        (
            {"channels": np.arange(3)},
            ValueError,
            r"channels must be as many as masks \(2\), got shape \(3,\)",
        ),
        ({"channels": np.array([0, 3])}, ValueError, r"channels must be from 0 to 2 .*, got 3 at index 1"),
        ({"channels": np.array([-1, 0])}, ValueError, "channels must be from 0 to 2 .*, got -1 at index 0"),
        (
            {"channels": np.array([2**64 - 1, 0], np.uint64)},
            ValueError,
            "channels must be from 0 to 2 .*, got 18446744073709551615 at index 0",
        ),
        ({"image_size": (0, 20)}, ValueError, r"image_size must be .*, got \(0, 20\)"),
        ({"image_size": (20, -1)}, ValueError, r"image_size must be .*, got \(20, -1\)"),
        ({"image_size": (65536, 65536)}, ValueError, r"image_size must be .* at most 2\*\*32 - 1 pixels"),
        ({"image_size": (2**70, 1)}, ValueError, "image_size must be"),
        (
            {"image_size": (20, 20, 3)},
            TypeError,
            r"image_size must be \(height, width\), two integers, got \(20, 20, 3\)",
        ),
        (
            {"image_size": (20.0, 20)},
            TypeError,
            r"image_size must be \(height, width\), two integers, got \(20.0, 20\)",
        ),
        ({"image_size": 20}, TypeError, "image_size must be .*, got 20"),
        ({"image_size": "ab"}, TypeError, "image_size must be .*, got 'ab'"),
        ({"image_size": (True, 5)}, TypeError, "image_size must be"),
        (
            {"paste": "coco"},
            ValueError,
            "paste must be one of 'omz', 'model_api', 'tf', 'detectron2', got 'coco'",
        ),
        ({"threshold": float("nan")}, ValueError, "threshold must be a number, got nan"),
    ],
)
def test_bad_input(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    good = {"masks": MASKS, "boxes": BOXES, "image_size": (20, 20), "channels": CHANNELS}
    with pytest.raises(error, match=message):
        maskrle.encode(**{**good, **arguments})


@pytest.mark.parametrize("arguments", [{"paste": 3}, {"threshold": "high"}])
def test_arguments_of_another_type(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        maskrle.encode(MASKS, BOXES, (20, 20), CHANNELS, **arguments)


def test_garbage_in_other_channels_is_never_seen(backend: str) -> None:
    masks = np.full((2, 3, 33, 33), np.nan, np.float32)
    for i, channel in enumerate(CHANNELS):
        masks[i, channel] = 0.75
    batch = maskrle.encode(masks, BOXES, (20, 20), CHANNELS)
    assert batch == maskrle.encode(np.full((2, 33, 33), 0.75, np.float32), BOXES, (20, 20))


def test_results_own_their_memory() -> None:
    masks = MASKS.copy()
    batch = maskrle.encode(masks, BOXES, (20, 20), CHANNELS)
    before = list(batch)
    masks[:] = 0
    del masks
    assert list(batch) == before


def test_backends() -> None:
    names = maskrle.backends()
    assert names[-1] in ("baseline", "neon")
    assert maskrle.build_config()["backend"] in names
    with pytest.raises(ValueError, match=r"backend must be one of .*, got 'sse9'"):
        _core._use_backend("sse9")


@pytest.mark.parametrize("name", [*maskrle.backends(), ""])
def test_backend_from_the_environment(name: str) -> None:
    code = "import maskrle; print(maskrle.build_config()['backend'])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MASKRLE_BACKEND": name},
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == (name or maskrle.backends()[0]), run.stderr


def test_unknown_backend_in_the_environment() -> None:
    code = """if True:
        import maskrle, numpy
        try:
            maskrle.encode(numpy.ones((1, 3, 3), "f4"), numpy.ones((1, 4), "f4"), (5, 5))
        except ValueError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MASKRLE_BACKEND": "sse9"},
        capture_output=True,
        text=True,
    )
    names = ", ".join(f"'{name}'" for name in maskrle.backends())
    assert run.stdout.strip() == f"MASKRLE_BACKEND must be one of {names} on this machine, got 'sse9'", (
        run.stderr
    )
