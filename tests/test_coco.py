from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from test_results import SIZE, instances

from maskrle.json_text import write_json


def loaded(directory: Path, results: list[dict[str, Any]]) -> COCO:
    dataset = {
        "info": {},
        "images": [{"id": 1, "height": SIZE[0], "width": SIZE[1]}],
        "annotations": [],
        "categories": [{"id": label, "name": str(label)} for label in range(1, 5)],
    }
    write_json(directory / "annotations.json", dataset)
    write_json(directory / "results.json", results)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(directory / "annotations.json")).loadRes(str(directory / "results.json"))


def test_pycocotools_loads_what_is_written(tmp_path: Path) -> None:
    found = instances()
    coco = loaded(tmp_path, found.to_coco(1))
    annotations = coco.loadAnns(coco.getAnnIds())
    assert len(annotations) == len(found)
    for annotation, mask, score in zip(annotations, found.to_masks(), found.scores, strict=True):
        np.testing.assert_array_equal(coco.annToMask(annotation), mask)
        assert np.float32(annotation["score"]) == score


def test_numbers_survive(tmp_path: Path) -> None:
    found = instances()
    write_json(tmp_path / "results.json", found.to_coco(1))
    read = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert read == found.to_coco(1)
    assert np.array([result["score"] for result in read], np.float32).tolist() == found.scores.tolist()


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        write_json(tmp_path / name, instances().to_coco(1))
    content = (tmp_path / "a.json").read_bytes()
    assert content == (tmp_path / "b.json").read_bytes()
    assert content.count(b"\n") == 4  # one line for each result
    write_json(tmp_path / "none.json", [])
    assert (tmp_path / "none.json").read_bytes() == b"[]\n"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), {1, 2}])
def test_a_failure_leaves_the_old_file(tmp_path: Path, bad: Any) -> None:
    path = tmp_path / "results.json"
    write_json(path, [{"score": 0.5}])
    with pytest.raises((ValueError, TypeError)):
        write_json(path, [{"score": bad}])
    assert json.loads(path.read_text()) == [{"score": 0.5}]
    assert list(tmp_path.iterdir()) == [path]


def test_a_target_that_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_json(tmp_path / "directory", [])
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]
    with pytest.raises(FileNotFoundError):
        write_json(tmp_path / "absent" / "results.json", [])


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_file_has_the_usual_mode(tmp_path: Path) -> None:
    write_json(tmp_path / "results.json", [])
    (tmp_path / "plain").touch()
    modes = [os.stat(tmp_path / name).st_mode for name in ("results.json", "plain")]
    assert modes[0] == modes[1]
