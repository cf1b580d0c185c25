from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from test_results import SIZE, instances

from maskrle import Instances, formats
from maskrle.formats import FORMATS, format_of, write_images

FOUND = {7: instances(), 139: instances()[:0], 2: instances()[1:3]}


def records(suffix: str) -> list[dict[str, Any]]:
    """As a journal has them: through JSON."""
    listed = [
        {"image_id": number, "file_name": f"{number}é.png", "height": SIZE[0], "width": SIZE[1]}
        | {"count": len(found), "detections": FORMATS[suffix].found(number, found)}
        for number, found in FOUND.items()
    ]
    listed[1]["frame"] = 3
    return json.loads(json.dumps(listed))  # type: ignore[no-any-return]


def written(suffix: str) -> bytes:
    file = io.BytesIO()
    FORMATS[suffix].write(file, records(suffix))
    return file.getvalue()


def test_coco_results() -> None:
    wanted = [result for number, found in FOUND.items() for result in found.to_coco(number)]
    assert json.loads(written(".json")) == wanted
    assert written(".json").count(b"\n") == len(wanted)
    file = io.BytesIO()
    FORMATS[".json"].write(file, [])
    assert file.getvalue() == b"[]\n"


def test_lines() -> None:
    lines = [json.loads(line) for line in written(".jsonl").splitlines()]
    assert [line["image_id"] for line in lines] == list(FOUND)
    assert [line.get("frame") for line in lines] == [None, 3, None]
    for line, (number, found) in zip(lines, FOUND.items(), strict=True):
        assert (line["file_name"], line["height"], line["width"]) == (f"{number}é.png", *SIZE)
        assert line["count"] == len(found)
        assert [{"image_id": number, **one} for one in line["detections"]] == found.to_coco(number)


@pytest.mark.parametrize("row_group", [1, 64 << 20])
def test_parquet(monkeypatch: pytest.MonkeyPatch, row_group: int) -> None:
    monkeypatch.setattr(formats, "_ROW_GROUP", row_group)
    content = written(".parquet")
    assert content == written(".parquet")
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    rows = table.to_pylist()
    assert [row["image_id"] for row in rows] == [n for n, found in FOUND.items() for _ in range(len(found))]
    singles = [one for found in FOUND.values() for one in found]
    for row, one in zip(rows, singles, strict=True):
        assert (row["height"], row["width"], row["frame"]) == (*SIZE, None)
        assert (row["label"], row["category"]) == (one.labels[0], (one.names or {}).get(row["label"]))
        assert row["score"] == one.scores[0]
        assert row["box"] == one.boxes[0].tolist()
        assert (row["area"], row["counts"]) == (one.rles.areas[0], one.rles[0]["counts"])
    assert table.schema.field("counts").type == pyarrow.large_binary()


def test_strings_go_into_arrow_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrow's columns lie where the batch has its strings and numbers."""
    taken: list[Any] = []
    make = pyarrow.record_batch

    def record_batch(columns: Any, **options: Any) -> Any:
        taken.extend(columns)
        return make(columns, **options)

    monkeypatch.setattr(pyarrow, "record_batch", record_batch)
    found = instances()
    FORMATS[".parquet"].found(1, found)
    addresses = [buffer.address for column in taken for buffer in column.buffers() if buffer is not None]
    for array in (
        found.rles.counts,
        found.rles.offsets,
        found.rles.areas,
        found.labels,
        found.scores,
        found.boxes,
    ):
        assert array.ctypes.data in addresses


def test_files_without_any_picture() -> None:
    for suffix, form in FORMATS.items():
        file = io.BytesIO()
        form.write(file, [])
        if suffix == ".parquet":
            assert len(pyarrow.parquet.read_table(io.BytesIO(file.getvalue()))) == 0


def test_images() -> None:
    file = io.BytesIO()
    write_images(file, records(".json"), {1: "cat", 2: "dog"})
    dataset = json.loads(file.getvalue())
    assert [image["id"] for image in dataset["images"]] == list(FOUND)
    assert dataset["images"][1] == {
        "id": 139,
        "file_name": "139é.png",
        "frame": 3,
        "height": SIZE[0],
        "width": SIZE[1],
    }
    assert dataset["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]


def test_suffixes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert format_of(Path("a.b/out.JSONL")) is FORMATS[".jsonl"]
    for name in ("out", "out.csv", "json", "out.json.gz"):
        with pytest.raises(
            ValueError, match=r"out: expected a file name ending in \.json, \.jsonl, \.parquet"
        ):
            format_of(Path(name))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'maskrle\[arrow\]'"):
        format_of(Path("out.parquet"))


def test_labels_without_names() -> None:
    found = instances()
    bare = Instances(found.labels, found.scores, found.boxes, found.rles)
    rows = io.BytesIO()
    record = {"image_id": 1, "file_name": "a", "height": 1, "width": 1}
    FORMATS[".parquet"].write(rows, [record | {"detections": FORMATS[".parquet"].found(1, bare)}])
    table = pyarrow.parquet.read_table(io.BytesIO(rows.getvalue()))
    assert table["category"].null_count == len(found)
    assert np.array_equal(table["label"].to_numpy(), found.labels)
