from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from test_results import instances

from maskrle import Instances, RLEBatch
from maskrle.arrow import detection_schema, image_schema


def test_the_documented_columns() -> None:
    """docs/interop.md lists every column with its type."""
    text = (Path(__file__).parent.parent / "docs/interop.md").read_text()
    for field in [*image_schema(), *detection_schema()]:
        kind = str(field.type).replace("fixed_size_list<element: float not null>[4]", "4 x float32")
        kind = {"float": "float32"}.get(kind, kind)
        assert f"| `{field.name}` | {kind}{', or null' if field.nullable else ''} |" in text


def test_rows() -> None:
    found = instances()
    rows = found.to_arrow()
    assert rows.schema.equals(detection_schema())
    assert rows.num_rows == len(found)
    for row, one in zip(rows.to_pylist(), found, strict=True):
        assert row == {
            "label": one.labels[0],
            "category": (one.names or {}).get(row["label"]),
            "score": one.scores[0],
            "box": one.boxes[0].tolist(),
            "area": one.rles.areas[0],
            "counts": one.rles[0]["counts"],
            "track_id": None,
        }
    assert found[:0].to_arrow().num_rows == 0


def test_a_table_has_the_instances_in_it(tmp_path: Path) -> None:
    """As the documents say that they are got back."""
    found = instances()
    pa.parquet.write_table(pa.Table.from_batches([found.to_arrow()]), tmp_path / "a.parquet")
    rows = pa.parquet.read_table(tmp_path / "a.parquet")
    size = list(found.image_size)
    again = Instances(
        rows["label"].to_numpy(),
        rows["score"].to_numpy(),
        np.stack(rows["box"].to_numpy()),
        RLEBatch.from_dicts({"size": size, "counts": counts} for counts in rows["counts"].to_pylist()),
    )
    assert again == found


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"need pyarrow: pip install 'maskrle\[arrow\]'"):
        instances().to_arrow()
