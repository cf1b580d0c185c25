from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from maskrle import Instances, RLEBatch, encode

SIZE = (40, 60)


def instances(count: int = 4) -> Instances:
    rng = np.random.default_rng(count)
    corners = np.sort(rng.uniform(0, 40, (count, 2, 2)), axis=1)
    boxes = corners.reshape(count, 4).astype(np.float32)
    masks = rng.uniform(0.3, 1, (count, 5, 5)).astype(np.float32)
    labels = np.arange(1, count + 1)
    scores = np.linspace(0.9, 0.5, count, dtype=np.float32)
    return Instances(labels, scores, boxes, encode(masks, boxes, SIZE), {1: "circle", 2: "square"})


def test_attributes() -> None:
    found = instances()
    assert len(found) == 4
    assert found.image_size == SIZE
    assert repr(found) == "Instances(4 in 40x60)"
    assert [found.name(label) for label in (1, 2, 3)] == ["circle", "square", "3"]


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (0, [0]),
        (-1, [3]),
        (np.int64(2), [2]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        (slice(9, 12), []),
        ([2, 0], [2, 0]),
        ([], []),
        (np.array([3, 3, -4]), [3, 3, 0]),
        ([True, False, False, True], [0, 3]),
        (np.zeros(4, bool), []),
    ],
)
def test_selection(index: Any, rows: list[int]) -> None:
    found = instances()
    part = found[index]
    assert part.labels.tolist() == [rows_ + 1 for rows_ in rows]
    assert part.scores.tolist() == found.scores[rows].tolist()
    assert part.boxes.tolist() == found.boxes[rows].tolist()
    assert list(part.rles) == [found.rles[row] for row in rows]
    assert part.image_size == SIZE
    assert part.names == found.names


def test_selection_by_score() -> None:
    found = instances()
    assert found[found.scores > 0.6].labels.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "index", [4, -5, [4], [True], np.ones(5, bool), np.zeros((2, 2), int), [0.5], "a", None, True]
)
def test_bad_selections(index: Any) -> None:
    with pytest.raises(IndexError):
        instances()[index]


def test_iteration_gives_single_instances() -> None:
    found = instances()
    singles = list(found)
    assert [len(single) for single in singles] == [1, 1, 1, 1]
    assert [int(single.labels[0]) for single in singles] == [1, 2, 3, 4]
    assert singles[2] == found[2]


def test_equality_and_pickling() -> None:
    found = instances()
    assert found == instances()
    assert found != found[:3]
    assert found != found[[1, 0, 2, 3]]
    assert found != dataclasses.replace(found, scores=found.scores / 2)
    assert found != "instances"
    copy = pickle.loads(pickle.dumps(found))
    assert copy == found
    assert copy.names == found.names


def test_pickles_are_small() -> None:
    """The strings, and 48 bytes an instance and 1,024 in all for everything else."""
    found = instances(100)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        size = len(pickle.dumps(found, protocol)) - len(found.rles.counts)
        assert protocol < 4 or size < 48 * len(found) + 1024
        assert pickle.loads(pickle.dumps(found, protocol)) == found


def test_another_process_has_equal_instances() -> None:
    found = instances()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        again, pickled = pool.submit(_there_and_back, found).result()
    assert again == found
    assert pickle.loads(pickled) == found


def _there_and_back(found: Instances) -> tuple[Instances, bytes]:
    assert found == instances()
    return found, pickle.dumps(found)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"labels": None}, TypeError, "labels: expected a int64 array, got NoneType"),
        ({"scores": np.zeros(2, np.float32)}, ValueError, r"scores: expected shape \[4\]"),
        ({"rles": "masks"}, TypeError, "rles: expected an RLEBatch, got str"),
        (
            {"colour": 3},
            ValueError,
            "no pickle of Instances: expected boxes, labels, names, rles, scores, tr",
        ),
    ],
)
def test_garbage_is_no_pickle(change: dict[str, Any], error: type[Exception], message: str) -> None:
    state = instances().__dict__ | change
    with pytest.raises(error, match=message):
        Instances.__new__(Instances).__setstate__(state)
    for bad in ({}, 5, {"labels": 1}):
        with pytest.raises(ValueError, match="no pickle of Instances"):
            Instances.__new__(Instances).__setstate__(bad)  # type: ignore[arg-type]


def test_pickles_of_before_there_were_tracks() -> None:
    state = {name: value for name, value in instances().__dict__.items() if name != "tracks"}
    found = Instances.__new__(Instances)
    found.__setstate__(state)
    assert found == instances()
    assert found.tracks is None


def test_to_masks() -> None:
    found = instances()
    masks = found.to_masks()
    assert (masks.shape, masks.dtype) == ((4, *SIZE), np.uint8)
    assert masks.sum((1, 2)).tolist() == found.rles.areas.tolist()
    assert found[:0].to_masks().shape == (0, *SIZE)


def test_to_coco() -> None:
    found = instances()
    results = found.to_coco(17)
    assert json.loads(json.dumps(results)) == results
    for row, result in enumerate(results):
        x_min, y_min, x_max, y_max = found.boxes[row].tolist()
        assert result == {
            "image_id": 17,
            "category_id": row + 1,
            "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
            "score": found.scores[row].item(),
            "segmentation": {"size": [40, 60], "counts": found.rles[row]["counts"].decode()},
        }


def test_draw_returns_a_copy() -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    drawn = instances().draw(image)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert drawn.any()
    assert not image.any()


def test_draw_takes_grey_pictures_and_no_instances() -> None:
    grey = np.full(SIZE, 90, np.uint8)
    drawn = instances().draw(np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(instances().draw(grey), drawn)
    np.testing.assert_array_equal(instances().draw(grey[..., None]), drawn)
    assert (instances()[[]].draw(grey) == 90).all()
    assert (instances()[0].draw(grey) != 90).any()


def test_draw_checks_the_colors() -> None:
    with pytest.raises(ValueError, match="colors: expected one of 'class', 'instance', got 'score'"):
        instances().draw(np.zeros((*SIZE, 3), np.uint8), colors="score")


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        ("image.png", TypeError, "expected a uint8 array, got str"),
        (np.zeros((*SIZE, 3)), TypeError, "expected a uint8 array, got float64"),
        (
            np.zeros((60, 40, 3), np.uint8),
            ValueError,
            r"expected shape \[40, 60, 3\] or grey, got \[60, 40, 3\]",
        ),
        (np.zeros((60, 40), np.uint8), ValueError, r"expected shape \[40, 60, 3\] or grey, got \[60, 40\]"),
        (np.zeros((*SIZE, 2), np.uint8), ValueError, r"or \[H, W\], .*, got \[40, 60, 2\]"),
    ],
)
def test_draw_checks_the_image(image: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        instances().draw(image)


def _replaced(**changes: NDArray[Any] | Any) -> Instances:
    return dataclasses.replace(instances(), **changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"rles": []}, TypeError, "rles: expected an RLEBatch, got list"),
        ({"labels": [1, 2, 3, 4]}, TypeError, "labels: expected a int64 array, got list"),
        ({"labels": np.zeros(4, np.int32)}, TypeError, "labels: expected a int64 array, got int32"),
        ({"scores": np.zeros(4)}, TypeError, "scores: expected a float32 array, got float64"),
        (
            {"scores": np.zeros(3, np.float32)},
            ValueError,
            r"scores: expected shape \[4\] for 4 masks, got \[3\]",
        ),
        (
            {"boxes": np.zeros((4, 5), np.float32)},
            ValueError,
            r"boxes: expected shape \[4, 4\].*got \[4, 5\]",
        ),
    ],
)
def test_construction_is_checked(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _replaced(**changes)


def test_empty() -> None:
    nothing = Instances(
        np.zeros(0, np.int64),
        np.zeros(0, np.float32),
        np.zeros((0, 4), np.float32),
        RLEBatch.from_dicts([], image_size=SIZE),
    )
    image = np.full((*SIZE, 3), 9, np.uint8)
    assert list(nothing) == []
    assert nothing.to_coco(1) == []
    np.testing.assert_array_equal(nothing.draw(image), image)


def test_tracks() -> None:
    found = instances()
    tracked = dataclasses.replace(found, tracks=np.array([7, -1, 0, 3]))
    assert tracked != found
    assert tracked == dataclasses.replace(tracked)
    assert tracked[[2, 1]].tracks.tolist() == [0, -1]
    assert [one["track_id"] for one in tracked.to_coco(1)] == [7, None, 0, 3]
    assert all("track_id" not in one for one in found.to_coco(1))
    with pytest.raises(ValueError, match=r"tracks: expected shape \[4\] for 4 masks, got \[3\]"):
        dataclasses.replace(found, tracks=np.zeros(3, np.int64))
