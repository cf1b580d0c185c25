"""`SegmentBatch` without Ray; `test_cluster.py` has it on one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from test_predict import SIZE, picture

from maskrle import Segmenter
from maskrle.arrow import detection_schema
from maskrle.ray import SegmentBatch


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that finds as many as a picture's blue says."""
    table, masks = graphs.rows(9, seed=3, classes=8)
    table[:, 2] = np.linspace(0.5, 0.95, 9)
    path = tmp_path_factory.mktemp("network") / "model.xml"
    ov.save_model(graphs.constant(table, masks, size=SIZE), path, compress_to_fp16=False)
    return path


@pytest.fixture(scope="module")
def segment(model: Path) -> SegmentBatch:
    return SegmentBatch(model, workers=2)


def column(values: list[Any]) -> NDArray[Any]:
    made = np.empty(len(values), object)
    made[:] = values
    return made


def png(count: int) -> bytes:
    return cv2.imencode(".png", picture(count))[1].tobytes()


def test_a_row_for_each_picture(model: Path, segment: SegmentBatch) -> None:
    batch = {"image": column([png(2), b"no image", png(0), png(9)]), "key": np.array([7, 5, 8, 6])}
    table = segment(batch)
    assert table.column_names == ["key", "height", "width", "error", "detections"]
    assert table["key"].to_pylist() == [7, 5, 8, 6]
    assert table["height"].to_pylist() == [48, None, 48, 48]
    assert table["width"].to_pylist() == [64, None, 64, 64]
    assert table["error"].to_pylist() == [None, "not an image that OpenCV can read", None, None]
    alone = Segmenter(model)
    wanted = [alone(picture(count)).to_arrow().to_pylist() for count in (2, 0, 9)]
    assert table["detections"].to_pylist() == [wanted[0], None, *wanted[1:]]


def test_other_columns_keep_their_types(segment: SegmentBatch) -> None:
    others = {
        "float32": np.array([1, 2], np.float32),
        "uint8": np.array([1, 2], np.uint8),
        "time": np.array(["2026-01-01", "2026-01-02"], "datetime64[ms]"),
        "text": np.array(["a", "bc"]),
        "vector": np.ones((2, 3), np.float32),
        "matrix": np.ones((2, 3, 2)),
        "object": column([None, "a"]),
    }
    table = segment({"image": column([png(0), png(1)]), **others})
    assert [str(table.schema.field(name).type) for name in others] == [
        "float", "uint8", "timestamp[ms]", "string", "list<item: float>", "list<item: list<item: double>>",
        "string",
    ]  # fmt: skip
    for name, values in others.items():
        assert table[name].to_pylist() == values.tolist()


@pytest.mark.parametrize("kind", ["array", "tensor", "path", "bytes"])
def test_kinds_of_pictures(segment: SegmentBatch, tmp_path: Path, kind: str) -> None:
    (tmp_path / "3.png").write_bytes(png(3))
    images = {
        "array": column([picture(3), picture(3)[:20]]),
        "tensor": np.stack([picture(3)] * 2),
        "path": np.array([str(tmp_path / "3.png")] * 2),
        "bytes": column([png(3)] * 2),
    }[kind]
    table = segment({"image": images})
    assert [len(one) for one in table["detections"].to_pylist()] == [3, 3]


@pytest.mark.parametrize(
    "images", [[], [b""], [None], [png(0)], [b"", png(1)]], ids=["none", "bad", "null", "nothing", "mixed"]
)
def test_every_batch_has_the_same_types(segment: SegmentBatch, images: list[Any]) -> None:
    schema = segment({"image": column(images)}).schema
    assert schema.field("detections").type == pa.list_(pa.struct(list(detection_schema())))
    assert schema.types[:3] == [pa.int32(), pa.int32(), pa.string()]


def test_arguments(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError, match="image: no column 'pixels' among 'image', 'key'"):
        SegmentBatch(model, image="pixels")({"image": column([]), "key": np.zeros(0)})
    with pytest.raises(ValueError, match="score_threshold"):
        SegmentBatch(model, score_threshold=2)
    assert (SegmentBatch().segmenter.names or {})[1] == "circle"  # the embedded network's
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow"):
        SegmentBatch(model)


@pytest.mark.parametrize(("given", "cpus"), [(None, 1.0), (None, 0.5), (1, 8.0)])
def test_threads_are_those_that_ray_gave(
    model: Path, monkeypatch: pytest.MonkeyPatch, given: int | None, cpus: float
) -> None:
    class Ray:
        """As much of Ray as an actor asks."""

        @staticmethod
        def is_initialized() -> bool:
            return True

        @classmethod
        def get_runtime_context(cls) -> type[Ray]:
            return cls

        @staticmethod
        def get_actor_id() -> str:
            return "actor"

        @staticmethod
        def get_assigned_resources() -> dict[str, float]:
            return {"CPU": cpus}

    monkeypatch.setitem(sys.modules, "ray", Ray)
    config = None if given is None else {"INFERENCE_NUM_THREADS": given}
    compiled = SegmentBatch(model, config=config).segmenter._compiled
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
