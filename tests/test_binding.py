from __future__ import annotations

import dataclasses
from typing import Any

import graphs
import networks
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

import maskrle
from maskrle.binding import LAYOUTS, bind, class_names, fits_shape, recognise
from maskrle.contracts import CONTRACTS, OMZ_INSTANCE, OMZ_TF, TF_OD, TORCHVISION
from maskrle.labels import COCO_80, COCO_90


def node(*shape: int, dtype: Any = np.float32) -> Any:
    return op.constant(np.zeros(shape, dtype))


def omz_tf(parameters: list[Any]) -> ov.Model:
    return graphs.model(parameters, masks=node(9, 90, 33, 33), reshape_do_2d=node(9, 7))


def image(shape: list[int] | ov.PartialShape, name: str = "image_tensor", dtype: Any = np.float32) -> Any:
    return graphs.named(op.parameter(shape, dtype), name)


@pytest.mark.parametrize("suffix", ["", ":0"])
@pytest.mark.parametrize("image_info", [True, False])
def test_recognises_by_exact_names(suffix: str, image_info: bool) -> None:
    parameters = graphs.inputs((480, 640), image_info=image_info, suffix=suffix)
    named = {"other_masks": node(3, 3), "masks": node(9, 90, 33, 33), "reshape_do_2d": node(9, 7)}
    suffixed = {name + ("__0" if suffix else ""): tensor for name, tensor in named.items()}
    found = recognise(graphs.model(parameters, **suffixed))
    assert found.contract is OMZ_TF
    assert (found.image.size, found.image.batch, found.image.layout) == ((480, 640), 1, "NCHW")
    assert found.outputs == {"reshape_do_2d": 2, "masks": 1}
    assert (found.image.index, found.image_info) == (0, 1 if image_info else None)
    assert found.classes == 90


@pytest.mark.parametrize("contract", networks.CONTRACTS)
def test_every_contract_fits_its_network_only(contract: str) -> None:
    model = networks.network(contract, [networks.answers(contract, 5, seed=1)])
    assert recognise(model).contract.name == contract
    for other in CONTRACTS:
        if other.name == contract:
            assert bind(other, model) == recognise(model, contract)
        else:
            with pytest.raises(ValueError, match=f"contract {other.name} does not fit this model: .*output"):
                recognise(model, other)


def test_inputs_may_come_in_any_order() -> None:
    found = recognise(omz_tf(graphs.inputs()[::-1]))
    assert (found.image.index, found.image_info) == (1, 0)


def test_an_only_input_of_four_dimensions_may_have_any_name() -> None:
    assert recognise(omz_tf([image([1, 3, 80, 90], "pixels")])).image.name == "pixels"
    with pytest.raises(ValueError, match=r"nothing is known to put into more f32 \[1,3,80,90\]"):
        recognise(omz_tf([image([1, 3, 80, 90]), image([1, 3, 80, 90], "more")]))
    with pytest.raises(ValueError, match=r"no one image input of four dimensions \(image_tensor\)"):
        recognise(omz_tf([image([1, 3, 80, 90], "one"), image([1, 3, 80, 90], "two")]))


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
        assert f"{name.replace('__', ':')} f32 [" in message
    for contract in CONTRACTS:
        assert f"{contract.name} needs the input" in message
        for name, output in contract.outputs.items():
            assert f"{name} {output.shape}" in message


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"reshape_do_2d": node(9, 6)}, r"output reshape_do_2d: expected \[N, 7\], the model has \[9,6\]"),
        ({"masks": node(9, 33, 33)}, r"output masks: expected \[N, C, h, w\], the model has \[9,33,33\]"),
        (
            {"masks": node(9, 90, 33, 33, dtype=np.int32)},
            r"output masks: expected f32 or f16, the model has i32",
        ),
        ({"masks": node(9, 90, 33, 33, dtype=np.float64)}, r"expected f32 or f16, the model has f64"),
        ({"reshape_do_2d": node(9, 7, dtype=np.bool_)}, r"expected f32 or f16, the model has boolean"),
    ],
)
def test_outputs_of_other_shapes_and_types(outputs: dict[str, Any], reason: str) -> None:
    right = {"reshape_do_2d": node(9, 7), "masks": node(9, 90, 33, 33)}
    with pytest.raises(ValueError, match=reason):
        recognise(graphs.model(graphs.inputs(), **(right | outputs)))


def test_labels_may_be_integers_or_floats() -> None:
    for dtype in (np.int32, np.int64, np.float32):
        outputs = {"labels": node(9, dtype=dtype), "boxes": node(9, 5), "masks": node(9, 28, 28)}
        assert recognise(graphs.model([image([1, 3, 80, 90])], **outputs)).contract is OMZ_INSTANCE


def test_two_contracts_that_fit_are_an_error() -> None:
    parameter = image([1, 3, -1, -1])
    boxes = op.squeeze(op.slice(parameter, *(op.constant([at]) for at in (0, 1, 1, 1))), op.constant([0, 1]))
    outputs = {"labels": node(9), "scores": node(9), "masks": node(9, 28, 28)}
    model = graphs.model([parameter], boxes=boxes, **outputs)
    with pytest.raises(ValueError, match="omz-instance and torchvision fit this model: choose one") as error:
        recognise(model)
    for part in ("boxes f32 [?,?]", "boxes [N, 5]", "boxes [N, 4]"):
        assert part in str(error.value)
    assert recognise(model, "torchvision").contract is TORCHVISION


def test_the_second_dimension_of_boxes_decides() -> None:
    both = {"labels": node(9), "scores": node(9), "masks": node(9, 28, 28)}
    for columns, contract in ((5, OMZ_INSTANCE), (4, TORCHVISION)):
        model = graphs.model([image([1, 3, 80, 90])], boxes=node(9, columns), **both)
        assert recognise(model).contract is contract


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ([1, 3, 80, 90], "NCHW"),
        ([1, 80, 90, 3], "NHWC"),
        ([1, 3, -1, -1], "NCHW"),
        ([-1, -1, -1, 3], "NHWC"),
        ([1, 3, 3, 90], "NCHW"),
    ],
)
def test_layout_and_size_come_from_the_shape(shape: list[int], layout: str) -> None:
    found = recognise(omz_tf([image(shape)])).image
    assert found.layout == layout
    rest = shape[2:] if layout == "NCHW" else shape[1:3]
    assert found.size == tuple(None if side == -1 else side for side in rest)
    assert found.batch == (None if shape[0] == -1 else 1)


@pytest.mark.parametrize("shape", [[1, 3, 80, 3], [1, -1, -1, -1], [1, 4, 80, 90]])
def test_a_layout_that_the_shape_does_not_tell(shape: list[int]) -> None:
    model = omz_tf([image(shape)])
    with pytest.raises(ValueError, match=r"where in \[.*\] are the colour channels\? Set the layout"):
        recognise(model)
    for layout, at in LAYOUTS.items():
        model.get_parameters()[0].set_layout(ov.Layout(layout))
        if shape[at] in (3, -1):
            assert recognise(model).image.layout == layout
        else:
            with pytest.raises(ValueError, match="where in"):
                recognise(model)


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        (
            image([3, 80, 90]),
            r"input image_tensor: expected \[B, 3, h, w\] or \[B, h, w, 3\], .* \[3,80,90\]",
        ),
        (image([1, 3, 80, 90], dtype=np.int32), "input image_tensor: expected f32 or u8, the model has i32"),
        (image([0, 3, 80, 90]), "without pixels"),
    ],
)
def test_image_inputs_of_other_kinds(parameter: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        recognise(omz_tf([parameter]))


@pytest.mark.parametrize(("shape", "dtype"), [([1, 4], np.float32), ([3], np.float32), ([1, 3], np.int64)])
def test_an_image_info_of_another_kind(shape: list[int], dtype: Any) -> None:
    info = graphs.named(op.parameter(shape, dtype), "image_info")
    with pytest.raises(
        ValueError, match=r"input image_info: expected f32 \[B, 3\], got image_info [fi]\d\d \["
    ):
        recognise(omz_tf([image([1, 3, 80, 90]), info]))


def test_batches_need_rows_that_say_their_image() -> None:
    assert recognise(omz_tf([image([4, 3, 80, 90])])).image.batch == 4
    outputs = {"labels": node(9), "boxes": node(9, 5), "masks": node(9, 28, 28)}
    with pytest.raises(
        ValueError, match=r"it takes 2 images, and no output says which of them a row belongs to"
    ):
        recognise(graphs.model([image([2, 3, 80, 90])], **outputs))


def test_a_batch_with_limits() -> None:
    sides = [3, 80, 90]
    found = recognise(omz_tf([image(ov.PartialShape([ov.Dimension(2, 5), *sides]))])).image
    assert (found.batch, found.limits) == (None, ((2, 5), (80, 80), (90, 90)))
    assert [found.fed(pictures) for pictures in (1, 2, 3)] == [2, 2, 3]
    assert [found.most(otherwise) for otherwise in (1, 3, 8)] == [2, 3, 5]
    outputs = {"labels": node(9), "boxes": node(9, 5), "masks": node(9, 28, 28)}
    batch_of_two = image(ov.PartialShape([ov.Dimension(2, -1), *sides]))
    with pytest.raises(ValueError, match="it takes 2 images, and no output says which of them"):
        recognise(graphs.model([batch_of_two], **outputs))


@pytest.mark.parametrize("batch", [1, 2, ov.Dimension(1, 2)])
def test_as_many_sizes_as_images(batch: Any) -> None:
    info = graphs.named(op.parameter([3, 3], np.float32), "image_info")
    with pytest.raises(
        ValueError, match="input image_info: it takes 3 sizes, for the images of image_tensor"
    ):
        recognise(omz_tf([image(ov.PartialShape([batch, 3, 80, 90])), info]))


def test_a_given_contract() -> None:
    model = omz_tf(graphs.inputs())
    assert recognise(model, "omz-tf").contract is OMZ_TF
    own = dataclasses.replace(OMZ_TF, name="own")
    assert recognise(model, own).contract is own
    with pytest.raises(ValueError, match=r"contract: expected one of 'omz-tf', 'tf-od', .*got 'yolo'"):
        recognise(model, "yolo")
    with pytest.raises(TypeError, match=r"contract: expected a name or a maskrle\.Contract, got int"):
        recognise(model, 3)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"(?s)tf-od does not fit .*there is no output num_detections, .*Outputs: masks f32"
    ):
        recognise(model, "tf-od")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"color": "hsv"}, "color: expected bgr or rgb, got 'hsv'"),
        ({"info_of": "box"}, "info_of: expected input or picture, got 'box'"),
        ({"white": 0}, "white: expected a number above 0, got 0"),
        ({"white": float("nan")}, "white: expected a number above 0, got nan"),
        ({"paste": "coco"}, "paste: expected omz or model_api or tf or detectron2, got 'coco'"),
        ({"channels": maskrle.Channels(1, "masks", "labels")}, r"channels: expected names out of \['resh"),
        *(
            ({"outputs": {"masks": maskrle.Output(shape, "")}}, "outputs: masks: expected a shape as ")
            for shape in ("[?, 7]", "-1", "", "[N 7]", "[N,]", "[N] or", "N, 7", "[N] or [7", 3)
        ),
    ],
)
def test_contracts_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(OMZ_TF, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "name: expected a str, got 3"),
        ({"images": "image"}, "images: expected a tuple of names, got 'image'"),
        ({"images": (3,)}, r"images: expected names of inputs, got \(3,\)"),
        ({"image_info": 3}, "image_info: expected a name or None, got 3"),
        ({"white": "255"}, "white: expected a number, got '255'"),
        ({"read": None}, "read: expected a function, got None"),
        ({"names": ["cat"]}, "names: expected a mapping from labels to names or None"),
        ({"outputs": ["masks"]}, "outputs: expected a mapping from names"),
        ({"outputs": {"masks": "[N, 7]"}}, r"outputs: expected a maskrle\.Output for each name, got 'masks'"),
        ({"channels": "masks"}, r"channels: expected a maskrle\.Channels or None, got 'masks'"),
    ],
)
def test_fields_of_contracts_of_other_types(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        dataclasses.replace(OMZ_TF, **change)


def test_a_contract_of_ones_own() -> None:
    def read(outputs: Any, batch: int) -> list[maskrle.Rows]:
        found = outputs["found"]
        return [maskrle.Rows(found[:, 0], found[:, 1], found[:, 2:], outputs["shapes"])]

    own = maskrle.Contract(
        name="own",
        networks="ours",
        outputs={
            "found": maskrle.Output("[N, 6]", "label, score, box"),
            "shapes": maskrle.Output("[N, h, w]", "masks"),
        },
        read=read,
    )
    table = np.array([[3, 0.9, 10, 20, 30, 50], [1, 0.2, 0, 0, 1, 1]], np.float32)
    outputs = {"found": op.constant(table), "shapes": op.constant(np.ones((2, 7, 7), np.float32))}
    model = graphs.model([image([1, 3, 80, 90], "anything")], **outputs)
    found = maskrle.Segmenter(model, contract=own)(np.zeros((80, 90, 3), np.uint8))
    assert found.labels.tolist() == [3]
    assert found.boxes.tolist() == [[10, 20, 30, 50]]
    with pytest.raises(ValueError, match="no known contract"):
        maskrle.Segmenter(model)


@pytest.mark.parametrize(
    ("expected", "dimensions", "fits"),
    [
        ("[N, 7]", [100, 7], True),
        ("[N, 7]", [None, None], True),
        ("[N, 7]", [100, 6], False),
        ("[N, 7]", [7], False),
        ("[N, 7]", None, True),
        ("[B] or []", [], True),
        ("[B] or []", [1, 1], False),
        ("[N, 1, h, w] or [N, h, w]", [5, 28, 28], True),
        ("[N, 1, h, w] or [N, h, w]", [5, 2, 28, 28], False),
    ],
)
def test_shapes(expected: str, dimensions: list[int | None] | None, fits: bool) -> None:
    assert fits_shape(expected, dimensions) is fits


def test_names_of_classes() -> None:
    def names(contract: str, **options: Any) -> Any:
        model = networks.network(contract, [networks.answers(contract, 2, seed=1)], **options)
        return class_names(model, recognise(model))

    assert names("omz-tf") == names("tf-od") == names("tf-od", all_classes=True) == COCO_90
    assert names("omz-instance") == names("segmentoly") == COCO_80
    assert names("torchvision") is None
    few = graphs.model(graphs.inputs(), masks=node(9, 8, 33, 33), reshape_do_2d=node(9, 7))
    assert class_names(few, recognise(few)) is None
    few.set_rt_info("circle traffic_light", ["model_info", "labels"])
    assert class_names(few, recognise(few)) == {1: "circle", 2: "traffic light"}


def test_a_channel_for_each_class_of_tensorflow() -> None:
    masks = {False: None, True: 90}
    for all_classes, classes in masks.items():
        model = networks.network("tf-od", [networks.answers("tf-od", 2, seed=1)], all_classes=all_classes)
        assert (recognise(model).contract, recognise(model).classes) == (TF_OD, classes)
