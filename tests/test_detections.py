from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from maskrle.binding import Binding, ImageInput
from maskrle.contracts import OMZ_INSTANCE, OMZ_TF, TF_OD, TORCHVISION, Contract, Rows
from maskrle.detections import Detections, read_detections

IMAGE = ImageInput(0, "image_tensor", "NCHW", 1, (800, 1365), "float32")
BINDING = Binding(OMZ_TF, IMAGE, 1, {"reshape_do_2d": 0, "masks": 1}, classes=4)


def detections(raw: dict[str, Any], score_threshold: float) -> Detections:
    (found,) = read_detections(BINDING, raw, (1, 800, 1365), 1, score_threshold)
    return found


def outputs(count: int = 6, classes: int = 4) -> dict[str, np.ndarray[Any, Any]]:
    """Rows with falling scores; every mask plane holds its own number."""
    table = np.zeros((count, 7), np.float32)
    table[:, 1] = np.arange(count) % classes + 1
    table[:, 2] = np.linspace(0.9, 0.4, count)
    table[:, 3:] = np.arange(4 * count).reshape(count, 4)
    masks = np.arange(count * classes, dtype=np.float32).reshape(count, classes, 1, 1) * np.ones(
        (3, 3), np.float32
    )
    return {"reshape_do_2d": table, "masks": masks}


def test_rows_that_come_first_are_a_view() -> None:
    raw = outputs()
    found = detections(raw, 0.65)
    assert found.labels.tolist() == [1, 2, 3]
    assert found.labels.dtype == np.int64
    assert found.scores.tolist() == raw["reshape_do_2d"][:3, 2].tolist()
    assert found.boxes.tolist() == raw["reshape_do_2d"][:3, 3:].tolist()
    assert found.channels is not None
    assert found.channels.tolist() == [0, 1, 2]
    assert np.shares_memory(found.masks, raw["masks"])
    assert found.masks.shape == (3, 4, 3, 3)


def test_rows_in_between_take_their_channels_only() -> None:
    raw = outputs()
    raw["reshape_do_2d"][:, 2] = [0.9, 0.1, 0.8, 0.1, 0.1, 0.5]
    found = detections(raw, 0.5)
    assert found.labels.tolist() == [1, 3, 2]
    assert found.channels is None
    assert found.masks[:, 0, 0].tolist() == [0, 2 * 4 + 2, 5 * 4 + 1]


def test_the_threshold_itself_is_kept() -> None:
    raw = outputs(2)
    raw["reshape_do_2d"][:, 2] = [0.3, 0.0]
    assert len(detections(raw, float(np.float32(0.3))).labels) == 1
    assert len(detections(raw, 0.0).labels) == 2


def test_rows_end_at_the_first_image_id_of_minus_one() -> None:
    raw = outputs()
    raw["reshape_do_2d"][2, 0] = -1
    raw["reshape_do_2d"][2:, 1:] = np.nan
    assert len(detections(raw, 0).labels) == 2
    raw["reshape_do_2d"][0, 0] = -1
    assert len(detections(raw, 0).labels) == 0


def test_no_rows() -> None:
    found = detections(outputs(0), 0.5)
    assert found.labels.shape == (0,)
    assert found.boxes.shape == (0, 4)
    assert found.masks.shape == (0, 4, 3, 3)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, 1, r"row 1 has image_id 1\.0, expected 0"),
        (0, np.nan, r"row 1 has image_id nan, expected 0"),
        (1, 0, r"row 1 has label 0, masks has channels for 1 to 4"),
        (1, 5, r"row 1 has label 5, masks has channels for 1 to 4"),
        (1, -3, r"row 1 has label -3, masks has channels for 1 to 4"),
        (1, 1.5, r"row 1 has label 1\.5, expected a whole number"),
        (1, np.nan, r"row 1 has label nan, expected a whole number"),
        (1, np.inf, r"row 1 has label inf, expected a whole number"),
        (2, np.nan, r"row 1 has score nan"),
        (2, -np.inf, r"row 1 has score -inf"),
    ],
)
def test_nonsense_is_named(column: int, value: float, message: str) -> None:
    raw = outputs()
    raw["reshape_do_2d"][1, column] = value
    with pytest.raises(ValueError, match=message):
        detections(raw, 0.5)


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint64, np.int64])
def test_labels_of_any_type(dtype: type) -> None:
    rows = Rows(np.array([1, 3], dtype), np.ones(2), np.zeros((2, 4)), np.zeros((2, 4, 3, 3), np.float32))
    one = dataclasses.replace(BINDING, contract=dataclasses.replace(OMZ_TF, read=lambda *_: [rows]))
    (found,) = read_detections(one, outputs(), (1, 80, 90), 1, 0.5)
    assert found.labels.tolist() == [1, 3]
    assert found.labels.dtype == np.int64


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.int32])
def test_labels_that_are_counted_from_zero(dtype: type) -> None:
    boxes = np.array([[1, 2, 30, 40, 0.9]] * 3, np.float32)
    raw = {"labels": np.array([0, 255, 199], dtype), "boxes": boxes, "masks": np.zeros((3, 5, 5), np.float32)}
    instance = Binding(OMZ_INSTANCE, IMAGE, None, dict.fromkeys(raw, 0))
    (found,) = read_detections(instance, raw, (1, 80, 90), 1, 0.5)
    assert found.labels.tolist() == [1, 256, 200]


def test_labels_of_rows_below_the_threshold_do_not_matter() -> None:
    raw = outputs()
    raw["reshape_do_2d"][5, 1] = 99
    assert len(detections(raw, 0.5).labels) == 5


@pytest.mark.parametrize(
    ("name", "shape"),
    [("reshape_do_2d", (6, 6)), ("reshape_do_2d", (1, 6, 7)), ("masks", (6, 3, 3)), ("masks", (5, 4, 3, 3))],
)
def test_shapes_are_checked(name: str, shape: tuple[int, ...]) -> None:
    raw = outputs() | {name: np.zeros(shape, np.float32)}
    with pytest.raises(ValueError, match=r"^contract omz-tf: .*(expected|but).*"):
        detections(raw, 0.5)


def test_what_is_said_about_the_rest_of_a_batch_does_not_matter() -> None:
    raw = outputs()
    raw["reshape_do_2d"][3:, 0] = 1
    raw["reshape_do_2d"][3:, 1:] = np.nan
    found = read_detections(BINDING, raw, (2, 800, 1365), 1, 0)
    assert [one.labels.tolist() for one in found] == [[1, 2, 3]]
    with pytest.raises(ValueError, match="row 0 has score nan"):
        read_detections(BINDING, raw, (2, 800, 1365), 2, 0)
    with pytest.raises(ValueError, match=r"row 3 has image_id 1\.0, expected 0"):
        read_detections(BINDING, raw, (1, 800, 1365), 1, 0)


def test_rows_of_a_batch_may_be_mixed() -> None:
    raw = outputs()
    raw["reshape_do_2d"][:, 0] = [1, 0, 1, 0, 0, 1]
    one, other = read_detections(BINDING, raw, (2, 800, 1365), 2, 0.45)
    assert (one.labels.tolist(), other.labels.tolist()) == ([2, 4, 1], [1, 3])
    assert one.channels is not None
    assert one.masks[range(3), one.channels][:, 0, 0].tolist() == [4 * 1 + 1, 4 * 3 + 3, 4 * 4 + 0]


@pytest.mark.parametrize("number", [-1, 4, np.nan, np.inf])
def test_a_number_of_detections_that_cannot_be(number: float) -> None:
    raw = {
        "num_detections": np.array([number], np.float32),
        "detection_boxes": np.zeros((1, 3, 4), np.float32),
        "detection_scores": np.zeros((1, 3), np.float32),
        "detection_classes": np.zeros((1, 3), np.float32),
        "detection_masks": np.zeros((1, 3, 5, 5), np.float32),
    }
    tf_od = Binding(TF_OD, IMAGE, None, dict.fromkeys(raw, 0))
    with pytest.raises(ValueError, match=rf"contract tf-od: num_detections is {number}.*, expected 0 to 3"):
        read_detections(tf_od, raw, (1, 80, 90), 1, 0.5)
    raw["num_detections"] = np.array(2)  # an integer without dimensions
    assert len(read_detections(tf_od, raw, (1, 80, 90), 1, 0)[0].labels) == 2
    with pytest.raises(ValueError, match=r"expected outputs for 2 images, got shapes num_detections \[\], "):
        read_detections(tf_od, raw, (2, 80, 90), 2, 0)


def test_masks_that_are_pasted_already() -> None:
    raw = {
        "boxes": np.array([[1, 2, 30, 40]], np.float32),
        "labels": np.array([1]),
        "scores": np.array([0.9], np.float32),
        "masks": np.zeros((1, 1, 80, 90), np.float32),
    }
    torchvision = Binding(TORCHVISION, IMAGE, None, dict.fromkeys(raw, 0))
    with pytest.raises(ValueError, match="masks of 80x90 are as large as the network's input"):
        read_detections(torchvision, raw, (1, 80, 90), 1, 0.5)
    assert len(read_detections(torchvision, raw, (1, 800, 900), 1, 0.5)[0].labels) == 1
    dynamic = dataclasses.replace(torchvision, image=dataclasses.replace(IMAGE, size=(None, None)))
    with pytest.raises(ValueError, match="masks of 80x90 are as large as the network's input"):
        read_detections(dynamic, raw, (1, 80, 90), 1, 0.5)
    tf_od = {f"detection_{name}": raw[name][None] for name in ("boxes", "scores")}
    tf_od |= {"detection_classes": raw["labels"][None], "detection_masks": raw["masks"][None, :, 0]}
    tf_od["num_detections"] = np.ones(1)
    with pytest.raises(ValueError, match="masks of 80x90 are as large as the network's input"):
        read_detections(Binding(TF_OD, IMAGE, None, dict.fromkeys(tf_od, 0)), tf_od, (1, 80, 90), 1, 0.5)
    of_one_size = dataclasses.replace(dynamic, mask_size=(80, 90))  # whatever the input's size is
    assert len(read_detections(of_one_size, raw, (1, 80, 90), 1, 0.5)[0].labels) == 1


ROWS = Rows(np.ones(3), np.ones(3), np.zeros((3, 4)), np.zeros((3, 5, 5), np.float32))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (None, "read: expected a list of maskrle.Rows, one for each image .2., got NoneType"),
        (ROWS, "read: .* got Rows"),
        ([], r"read: .* got \[\]"),
        ([ROWS], r"read: .* got \['Rows'\]"),
        ([ROWS, None], r"read: .* got \['Rows', 'NoneType'\]"),
        ([ROWS, tuple(ROWS)], r"read: .* got \['Rows', 'tuple'\]"),
        ([ROWS, ROWS._replace(scores=[1, 1, 1])], "read: scores: expected an array, got list"),
        ([ROWS, ROWS._replace(scores=np.float32(1))], "read: scores: expected an array, got float32"),
        ([ROWS, ROWS._replace(labels=np.ones((3, 1)))], "expected as many labels, boxes of 4 and masks"),
        ([ROWS, ROWS._replace(masks=np.zeros((3, 1, 5, 5)))], r"masks \[h, w\] as scores, got labels \[3\]"),
        ([ROWS, ROWS._replace(masks=np.zeros(3))], r"masks \[h, w\] as scores"),
    ],
)
def test_what_ones_own_contract_reads(read: Any, message: str) -> None:
    own = Contract("own", "ours", {}, read=lambda outputs, batch: read, batches=True)
    with pytest.raises(ValueError, match=f"contract own: .*{message}"):
        read_detections(Binding(own, IMAGE, None, {}), {}, (2, 80, 90), 2, 0.5)


@pytest.mark.parametrize("column", ["labels", "scores", "boxes", "masks"])
def test_rows_of_unequal_number(column: str) -> None:
    short = ROWS._replace(**{column: getattr(ROWS, column)[:2]})
    own = Contract("own", "ours", {}, read=lambda outputs, batch: [short])
    with pytest.raises(ValueError, match="contract own: expected as many labels, boxes of 4 and masks"):
        read_detections(Binding(own, IMAGE, None, {}), {}, (1, 80, 90), 1, 0.5)
