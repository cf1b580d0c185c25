"""What others give us: whatever it is, there is one error of a kind that is announced, or a result."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_results import SIZE, instances

import maskrle
from maskrle import RLEBatch
from maskrle.evaluate import evaluate
from maskrle.formats import FORMATS
from maskrle.labels import label_names
from maskrle.readers import read_results
from maskrle.reference import PASTES
from maskrle.sources import Still, items, sources

fuzz = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**63, 10**30, 0.5, 1e308, float("nan"), float("inf"), "", "1", "a\0b",
    "\ud800", "é" * 999, [], [[]], [None], [1, 2], [1e300] * 6, [-1e9, 1e9] * 3, {}, {"": {}},
    {"size": [2**40, 2**40], "counts": [0]},
)  # fmt: skip
"""What may stand anywhere in JSON, whatever was expected there."""

RLE = {"size": [4, 5], "counts": "5?"}  # runs 5, 15
RESULTS: list[dict[str, Any]] = [
    {"image_id": 1, "category_id": 2, "bbox": [0, 0, 2, 3], "score": 0.5, "segmentation": RLE},
    {"image_id": 3, "category_id": 2, "bbox": [1, 1, 2, 3], "score": 0.25, "segmentation": RLE},
]
ANNOTATIONS: dict[str, Any] = {
    "images": [
        {"id": 1, "file_name": "a.png", "height": 4, "width": 5},
        {"id": 3, "file_name": "b/c.png", "height": 4, "width": 5},
    ],
    "categories": [{"id": 2, "name": "thing"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 2,
            "bbox": [0, 0, 2, 3],
            "area": 6,
            "iscrowd": 0,
            "segmentation": one,
        }
        for one in ([[0, 0, 2, 0, 2, 3]], RLE, {"size": [4, 5], "counts": [5, 15]})
    ],
}


def places(content: Any) -> Iterator[tuple[Any, ...]]:
    """The ways to everything within it, itself first."""
    yield ()
    parts = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, part in parts:
        yield from ((key, *rest) for rest in places(part))


def changed(content: Any) -> Iterator[Any]:
    """It with one thing replaced by any of `WRONG`, or missing."""
    for place in places(content):
        if not place:
            yield from WRONG
            continue
        for wrong in (*WRONG, ...):
            other = copy.deepcopy(content)
            at = other
            for key in place[:-1]:
                at = at[key]
            if wrong is ...:
                del at[place[-1]]
            else:
                at[place[-1]] = wrong
            yield other


def test_what_is_changed_is_right_before() -> None:
    assert set(evaluate(RESULTS, ANNOTATIONS)) == {"box", "mask"}
    assert maskrle.decode(RLE).sum() == 15
    assert len({json.dumps(one) for one in changed(RLE)}) > 3 * len(WRONG)


def test_rles() -> None:
    for rle in changed(RLE):
        try:
            masks = maskrle.decode(rle)
        except (ValueError, TypeError):
            continue
        assert masks.shape[-2:] == tuple(rle["size"])


@fuzz
@given(st.integers(1, 9), st.integers(1, 9), st.binary(max_size=20) | st.text(max_size=20))
def test_rle_strings(height: int, width: int, counts: bytes | str) -> None:
    try:
        batch = RLEBatch.from_dicts([{"size": [height, width], "counts": counts}])
    except ValueError:
        return
    assert batch.to_masks().sum() == batch.areas[0] <= height * width


@pytest.mark.parametrize("which", ["results", "annotations"])
def test_results_and_annotations(which: str) -> None:
    refused = 0
    for content in changed(RESULTS if which == "results" else ANNOTATIONS):
        if isinstance(content, str):  # a path
            continue
        given = (content, ANNOTATIONS) if which == "results" else (RESULTS, content)
        try:
            evaluate(*given)
        except ValueError as error:
            assert "results" in str(error) or "annotations" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 100


def test_annotations_as_input(tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    for content in changed({"images": ANNOTATIONS["images"]}):
        path.write_text(json.dumps(content))
        try:
            found = sources([str(path)])
        except ValueError as error:
            assert "annotations.json" in str(error)  # noqa: PT017
            continue
        for item in items(found):
            item.name.encode("utf-8")
            assert isinstance(item.image, (Path, ValueError))


@fuzz
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "a", "b.png", "\\", "C:", "~", "\0", "\udcff"]),
        min_size=1,
        max_size=6,
    )
)
def test_names_in_annotations_stay_in_their_folder(tmp_path: Path, parts: list[str]) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "/".join(parts) or "x"}]}))
    (source,) = sources([str(path)])
    assert isinstance(source, Still)
    if source.problem is None:
        assert os.path.commonpath([tmp_path, os.path.abspath(source.path)]) == str(tmp_path)


@fuzz
@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("utf-16", "surrogatepass")))
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.txt", lambda path: list(items(sources([str(path)])))),
        ("x.json", lambda path: list(items(sources([str(path)])))),
        ("names.txt", label_names),
        ("results.json", read_results),
        ("results.jsonl", read_results),
        ("results.parquet", read_results),
    ],
)
def test_files_of_any_bytes(tmp_path: Path, name: str, read: Any, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    try:
        read(tmp_path / name)
    except ValueError as error:
        assert name in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"images": [{"id": 1e999, "file_name": "a"}]}'],
)
def test_json_that_costs(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    for read in (
        lambda: sources([str(path)]),
        lambda: evaluate(path, ANNOTATIONS),
        lambda: evaluate(RESULTS, path),
    ):
        with pytest.raises(ValueError, match=r"x\.json"):
            read()


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "results.parquet"
    record = {"image_id": 1, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}
    with open(path, "wb") as file:
        FORMATS[".parquet"].write(file, [record | {"detections": FORMATS[".parquet"].found(1, instances())}])
    assert len(read_results(path)) == len(instances())
    return path


def test_damaged_parquet(parquet: Path) -> None:
    content, rng = parquet.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(len(damaged), size=3)] = rng.integers(256, size=3)
        parquet.write_bytes(damaged.tobytes()[: rng.integers(len(damaged) // 2, 2 * len(damaged))])
        try:
            read_results(parquet)
        except ValueError as error:
            assert "results.parquet" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 100


@pytest.mark.parametrize("column", ["image_id", "height", "score", "box", "counts"])
def test_parquet_of_others(parquet: Path, column: str) -> None:
    table = pyarrow.parquet.read_table(parquet)
    at, count = table.column_names.index(column), len(table)
    others = (["a"] * count, [[1.0]] * count, [[[1]]] * count, [None] * count, [{"x": 1}] * count)
    for other in others[column == "counts" :]:  # text does for these
        pyarrow.parquet.write_table(table.set_column(at, column, pyarrow.array(other)), parquet)
        with pytest.raises(ValueError, match=r"results\.parquet: .*columns? "):
            read_results(parquet)
    pyarrow.parquet.write_table(table.drop_columns([column]), parquet)
    with pytest.raises(ValueError, match=f"no column {column}"):
        read_results(parquet)


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.floats(-1e10, 1e10, width=32)


@fuzz
@given(
    st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=1, max_size=3),
    st.tuples(st.integers(-2, 40), st.integers(-2, 40)) | st.just((2**31, 2**31)),
    st.sampled_from(PASTES),
    numbers,
    st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3),
)
def test_arrays(boxes: Any, size: tuple[int, int], paste: str, value: float, channel: int) -> None:
    masks = np.full((len(boxes), 2, 3, 3), value, np.float32)
    try:
        batch = maskrle.encode(
            masks, np.array(boxes, np.float32), size, np.full(len(boxes), channel, np.int64), paste=paste
        )
    except ValueError:
        return
    assert batch.to_masks().shape == (len(boxes), *size)
