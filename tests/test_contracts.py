from __future__ import annotations

from typing import Any

import graphs
import numpy as np
import pytest
from openvino import opset13 as op

from maskrle.contracts import OMZ_TF, Binding, recognise


def node(*shape: int) -> Any:
    return op.constant(np.zeros(shape, np.float32))


def binding() -> Binding:
    return Binding(OMZ_TF, (800, 1365), 0, 1, {"reshape_do_2d": 0, "masks": 1})


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


@pytest.mark.parametrize("suffix", ["", ":0"])
@pytest.mark.parametrize("image_info", [True, False])
def test_recognises_by_exact_names(suffix: str, image_info: bool) -> None:
    parameters = graphs.inputs((480, 640), image_info=image_info, suffix=suffix)
    named = {"other_masks": node(3, 3), "masks": node(9, 90, 33, 33), "reshape_do_2d": node(9, 7)}
    suffixed = {name + ("__0" if suffix else ""): tensor for name, tensor in named.items()}
    found = recognise(graphs.model(parameters, **suffixed))
    assert found.contract is OMZ_TF
    assert found.size == (480, 640)
    assert found.outputs == {"reshape_do_2d": 2, "masks": 1}
    assert (found.image, found.image_info) == (0, 1 if image_info else None)


def test_inputs_may_come_in_any_order() -> None:
    parameters = graphs.inputs()[::-1]
    found = recognise(graphs.model(parameters, masks=node(9, 90, 33, 33), reshape_do_2d=node(9, 7)))
    assert (found.image, found.image_info) == (1, 0)


@pytest.mark.parametrize(
    "named",
    [
        {"my_masks": node(9, 90, 33, 33), "reshape_do_2d": node(9, 7)},
        {"masks": node(9, 90, 33, 33), "reshape_do_2d_1": node(9, 7)},
        {"masks__1": node(9, 90, 33, 33), "reshape_do_2d": node(9, 7)},
        {"masks": node(9, 90, 33, 33)},
    ],
    ids=["prefixed", "suffixed", "colon one", "missing"],
)
def test_similar_names_are_no_match(named: dict[str, Any]) -> None:
    model = graphs.model(graphs.inputs(), **named)
    with pytest.raises(ValueError, match="no known contract fits this model") as caught:
        recognise(model)
    message = str(caught.value)
    for name in named:
        assert f"{name.replace('__', ':')} [" in message
    for needed in ("omz-tf", "image_tensor", "reshape_do_2d [N, 7]", "masks [N, C, h, w]"):
        assert needed in message


def test_unknown_inputs_are_no_match() -> None:
    extra = op.parameter([1], np.float32, name="extra")
    model = graphs.model([*graphs.inputs(), extra], masks=node(9, 90, 33, 33), reshape_do_2d=node(9, 7))
    with pytest.raises(
        ValueError, match=r"inputs image_tensor \[1,3,800,1365\], image_info \[1,3\], extra \[1\]"
    ):
        recognise(model)


@pytest.mark.parametrize("shape", [[1, 800, 1365, 3], [1, 3, -1, -1], [2, 3, 800, 1365], [3, 800, 1365]])
def test_image_input_must_be_static_nchw(shape: list[int]) -> None:
    image = op.parameter(shape, np.float32, name="image_tensor")
    model = graphs.model([image], masks=node(9, 90, 33, 33), reshape_do_2d=node(9, 7))
    with pytest.raises(
        ValueError, match=r"omz-tf: expected input image_tensor of static shape \[1,3,h,w\], got \["
    ):
        recognise(model)


def test_rows_that_come_first_are_a_view() -> None:
    raw = outputs()
    found = binding().detections(raw, 0.65)
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
    found = binding().detections(raw, 0.5)
    assert found.labels.tolist() == [1, 3, 2]
    assert found.channels is None
    assert found.masks[:, 0, 0].tolist() == [0, 2 * 4 + 2, 5 * 4 + 1]


def test_the_threshold_itself_is_kept() -> None:
    raw = outputs(2)
    raw["reshape_do_2d"][:, 2] = [0.3, 0.0]
    assert len(binding().detections(raw, float(np.float32(0.3))).labels) == 1
    assert len(binding().detections(raw, 0.0).labels) == 2


def test_rows_end_at_the_first_image_id_of_minus_one() -> None:
    raw = outputs()
    raw["reshape_do_2d"][2, 0] = -1
    raw["reshape_do_2d"][2:, 1:] = np.nan
    assert len(binding().detections(raw, 0).labels) == 2
    raw["reshape_do_2d"][0, 0] = -1
    assert len(binding().detections(raw, 0).labels) == 0


def test_no_rows() -> None:
    found = binding().detections(outputs(0), 0.5)
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
        binding().detections(raw, 0.5)


def test_labels_of_rows_below_the_threshold_do_not_matter() -> None:
    raw = outputs()
    raw["reshape_do_2d"][5, 1] = 99
    assert len(binding().detections(raw, 0.5).labels) == 5


@pytest.mark.parametrize(
    ("name", "shape"),
    [("reshape_do_2d", (6, 6)), ("reshape_do_2d", (1, 6, 7)), ("masks", (6, 3, 3)), ("masks", (5, 4, 3, 3))],
)
def test_shapes_are_checked(name: str, shape: tuple[int, ...]) -> None:
    raw = outputs() | {name: np.zeros(shape, np.float32)}
    with pytest.raises(
        ValueError, match=r"expected reshape_do_2d \[N, 7\] and masks \[N, C, h, w\], got shapes"
    ):
        binding().detections(raw, 0.5)
