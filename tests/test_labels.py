from __future__ import annotations

from pathlib import Path
from typing import Any

import graphs
import pytest

from maskrle.labels import COCO_80, COCO_90, label_names, model_labels


def test_coco() -> None:
    assert list(COCO_80) == list(range(1, 81))
    assert len(COCO_90) == 80
    assert list(COCO_80.values()) == list(COCO_90.values())
    # Numbers from COCO's own annotation files.
    ids = {1: "person", 11: "fire hydrant", 13: "stop sign", 25: "giraffe", 27: "backpack", 44: "bottle"}
    ids |= {
        65: "bed",
        67: "dining table",
        70: "toilet",
        72: "tv",
        82: "refrigerator",
        84: "book",
        90: "toothbrush",
    }
    assert {label: COCO_90[label] for label in ids} == ids
    assert not {12, 26, 29, 30, 45, 66, 68, 69, 71, 83} & COCO_90.keys()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "", "\n\n"])
def test_line_k_is_label_k(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeff".encode() + f"cat\nhot dog \n\nKäfer{ending}".encode())
    for given in (path, str(path)):
        assert label_names(given) == {1: "cat", 2: "hot dog", 4: "Käfer"}


def test_sequences_and_mappings() -> None:
    assert label_names(["cat", "dog"]) == label_names(("cat", "dog")) == {1: "cat", 2: "dog"}
    assert label_names({0: "background", 7: "dog"}) == {0: "background", 7: "dog"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "has no names"), (b"\n \n", "has no names"), (b"cat\nd\xffg\n", "is not UTF-8 text: byte 5")],
)
def test_files_without_names(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"labels: .*names\.txt {message}"):
        label_names(path)


def test_names_that_a_model_brings() -> None:
    model = graphs.echo((8, 8))
    assert model_labels(model) is None
    model.set_rt_info("circle hot_dog", ["model_info", "labels"])
    assert model_labels(model) == {1: "circle", 2: "hot dog"}
    odd = graphs.echo((8, 8))
    odd.set_rt_info("circle", ["model_info"])  # no section, a value
    assert model_labels(odd) is None


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"):
        label_names(tmp_path / "absent.txt")


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (3, TypeError, "expected a path, a sequence of names or a mapping from labels, got int"),
        (b"cat", TypeError, "got bytes"),
        ([1, 2], TypeError, "expected int labels and str names, got 1: 1"),
        ({"1": "cat"}, TypeError, "got '1': 'cat'"),
        ({True: "cat"}, TypeError, "got True: 'cat'"),
        ([], ValueError, "expected at least one name"),
        ({}, ValueError, "expected at least one name"),
    ],
)
def test_other_things(labels: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^labels: .*{message}"):
        label_names(labels)
