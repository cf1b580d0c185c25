from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import procedures
import pytest
from numpy.typing import NDArray
from openvino import opset13 as op

import maskrle.segmenter
from maskrle import Instances, runtime
from maskrle.reference import PASTES
from maskrle.segmenter import Segmenter


def picture(height: int, width: int, corner: tuple[int, int, int] = (255, 0, 0)) -> NDArray[np.uint8]:
    """A picture whose top left pixel keeps its value when it is resized."""
    image = np.random.default_rng(height * width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    image[: height // 2 + 1, : width // 2 + 1] = corner
    return image


@pytest.mark.parametrize("prefix", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize(
    "image_size", [(800, 1365), (480, 640), (640, 427), (1080, 1920), (61, 47), (5, 9), (2000, 31), (1, 1)]
)
def test_equals_the_published_evaluation(image_size: tuple[int, int], prefix: bool) -> None:
    table, masks = graphs.rows(14, seed=image_size[0])
    if prefix:
        order = np.argsort(-table[:, 2])
        table, masks = table[order], masks[order]
    table[12:, 0], table[13, 1:] = -1, np.nan
    kept = [row for row in range(12) if table[row, 2] >= 0.5]
    assert 2 < len(kept) < 12

    segmenter = Segmenter(graphs.constant(table, masks))
    found = segmenter(picture(*image_size))

    assert found.image_size == image_size
    assert found.labels.tolist() == table[kept, 1].tolist()
    assert found.scores.tolist() == table[kept, 2].tolist()
    boxes = procedures.boxes_to_image(table[kept, 3:], image_size, (800, 1365), "fit", pixels=False)
    np.testing.assert_array_equal(found.boxes, boxes)
    for rle, box, row in zip(found.rles, boxes, kept, strict=True):
        mask = masks[row, int(table[row, 1]) - 1]
        assert rle == procedures.coco(procedures.accuracy_checker(mask, box, image_size, 0.5))


def test_nothing_found() -> None:
    table, masks = graphs.rows(3, seed=1)
    segmenter = Segmenter(graphs.constant(table, masks), score_threshold=1.0)
    for corner in [(0, 0, 0), (3, 0, 0)]:  # no rows at all, and none above the threshold
        found = segmenter(picture(40, 30, corner))
        assert len(found) == 0
        assert found.image_size == (40, 30)
        assert found.boxes.shape == (0, 4)
        assert found.to_masks().shape == (0, 40, 30)
        assert found.to_coco(1) == []


def test_number_of_rows_may_change_between_calls() -> None:
    table, masks = graphs.rows(40, seed=2)
    segmenter = Segmenter(graphs.constant(table, masks), score_threshold=0)
    first = segmenter(picture(300, 200, (2, 0, 0)))
    counts = bytes(first.rles.counts)
    many = segmenter(picture(300, 200, (40, 0, 0)))
    assert (len(first), len(many)) == (2, 40)
    assert bytes(first.rles.counts) == counts
    assert many[:2] == first


def test_inputs_reach_the_network() -> None:
    found = Segmenter(graphs.echo())(np.full((800, 1365, 3), (10, 20, 30), np.uint8))
    box = [10 / 1024 * 1365, 20 / 1024 * 800, 30 / 1024 * 1365, (800 + 1365 + 1) / 8192 * 800]
    assert found.boxes[0].tolist() == box  # exact: all divisors are powers of two


def test_the_order_of_colours_can_be_overridden() -> None:
    segmenter = Segmenter(graphs.echo(), color="rgb")
    assert segmenter.color == "rgb"
    found = segmenter(np.full((800, 1365, 3), (10, 20, 30), np.uint8))
    assert found.boxes[0, :3].tolist() == [30 / 1024 * 1365, 20 / 1024 * 800, 10 / 1024 * 1365]


def test_labels_can_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    model = graphs.echo()
    model.set_rt_info("circle square", ["model_info", "labels"])
    for labels in (["cat", "dog"], {1: "cat", 2: "dog"}, tmp_path / "names.txt"):
        segmenter = Segmenter(model, labels=labels)
        assert segmenter.names == {1: "cat", 2: "dog"}
        assert segmenter(picture(20, 20)).names == segmenter.names
    assert Segmenter(model).names == {1: "circle", 2: "square"}


def test_results_survive_the_next_inference() -> None:
    segmenter = Segmenter(graphs.echo())
    one, two = np.full((2, 800, 1365, 3), 100, np.uint8)
    two[:] = 200
    first = segmenter(one)
    before = first.to_coco(1)
    second = segmenter(two)
    assert first.to_coco(1) == before
    assert second.to_coco(1) != before


def test_size_comes_from_the_model() -> None:
    table, masks = graphs.rows(5, seed=3)
    model = graphs.constant(table, masks, size=(64, 96), image_info=False)
    segmenter = Segmenter(model, score_threshold=0)
    assert segmenter.input_size == (64, 96)
    assert segmenter.contract.name == "omz-tf"
    np.testing.assert_array_equal(
        segmenter(picture(64, 96)).boxes, table[:, 3:] * np.array([96, 64, 96, 64], np.float32)
    )


def test_half_precision_masks_and_other_conventions() -> None:
    table, masks = graphs.rows(4, seed=4)
    half = masks.astype(np.float16)
    image = picture(120, 90)
    for paste in PASTES:
        want = Segmenter(graphs.constant(table, half.astype(np.float32)), score_threshold=0, paste=paste)(
            image
        )
        got = Segmenter(graphs.constant(table, half), score_threshold=0, paste=paste)(image)
        assert got == want


def test_results_do_not_change_while_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if another thread ran an inference before the masks of the first were encoded."""
    size = (80, 136)
    table, masks = graphs.rows(2, seed=9)
    table[:, 2] = 0.9
    # The corner's value as a share of 255, times the masks: a picture of its own has masks of its own.
    parameters = graphs.inputs(size)
    level = op.reduce_max(op.divide(parameters[0], op.constant(np.float32(255))), op.constant([0, 1, 2, 3]))
    outputs = {"reshape_do_2d": op.constant(table), "masks": op.multiply(op.constant(masks), level)}
    segmenter = Segmenter(graphs.model(parameters, **outputs))
    white, grey = (np.full((*size, 3), value, np.uint8) for value in (255, 190))
    alone = segmenter(white)
    assert segmenter(grey) != alone
    encode = maskrle.segmenter.encode

    def interrupted(*args: Any, **options: Any) -> maskrle.RLEBatch:
        monkeypatch.setattr(maskrle.segmenter, "encode", encode)
        segmenter(grey)
        return encode(*args, **options)

    monkeypatch.setattr(maskrle.segmenter, "encode", interrupted)
    assert segmenter(white) == alone
    assert maskrle.segmenter.encode is encode


def test_device_and_cache_reach_openvino(tmp_path: Path) -> None:
    def compiled(**options: Any) -> ov.CompiledModel:
        return Segmenter(graphs.echo((80, 136)), **options)._compiled

    # A CPU that is not chosen by AUTO has no such property.
    assert compiled(device="AUTO:CPU").get_property("MULTI_DEVICE_PRIORITIES") == "CPU"
    compiled(cache_dir=tmp_path)
    assert len(list(tmp_path.glob("*.blob"))) == 1


def test_precision_reaches_openvino() -> None:
    types = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}
    for precision in runtime.precisions(ov.Core(), "CPU"):
        segmenter = Segmenter(graphs.echo((80, 136)), precision=precision)
        assert segmenter._compiled.get_property("INFERENCE_PRECISION_HINT") == types[precision]


def test_threads_do_not_disturb_each_other() -> None:
    segmenter = Segmenter(graphs.echo((80, 136)))
    images = [np.full((80, 136, 3), value, np.uint8) for value in range(0, 250, 5)]
    alone = [segmenter(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(segmenter, images))
    assert together == alone


def test_a_failed_call_leaves_the_segmenter_usable() -> None:
    table, masks = graphs.rows(2, seed=5)
    table[1, 1] = 91
    segmenter = Segmenter(graphs.constant(table, masks), score_threshold=0)
    with pytest.raises(ValueError, match=r"row 1 has label 91, masks has channels for 1 to 90"):
        segmenter(picture(20, 20))
    assert len(segmenter(picture(20, 20, (1, 0, 0)))) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_boxes_that_are_not_finite(value: float) -> None:
    table, masks = graphs.rows(3, seed=8)
    table[:, 2], table[1, 4] = 0.9, value
    with pytest.raises(ValueError, match=r"boxes .*(nan|inf)"):
        Segmenter(graphs.constant(table, masks))(picture(20, 20))
    table[1, 2] = 0.1  # a row that is not kept may hold anything
    assert len(Segmenter(graphs.constant(table, masks))(picture(20, 20))) == 2


@pytest.mark.parametrize("image", ["photo.jpg", Path("photo.jpg"), picture(8, 8), picture(8, 8)[..., 0]])
def test_a_single_picture_is_no_batch(image: Any) -> None:
    segmenter = Segmenter(graphs.echo((80, 136)))
    with pytest.raises(TypeError, match="images: expected several pictures, got a single one; call the seg"):
        segmenter.batch(image)
    assert len(segmenter.batch(np.stack([picture(8, 8)] * 2))) == 2


def test_timings() -> None:
    found, timings = Segmenter(graphs.echo()).timed(picture(50, 60))
    assert isinstance(found, Instances)
    assert all(step > 0 for step in timings)


def test_paths_of_models_and_images(tmp_path: Path) -> None:
    table, masks = graphs.rows(2, seed=6)
    model = graphs.constant(table, masks)
    image = picture(40, 50)
    ov.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    (tmp_path / "image.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    want = Segmenter(model, score_threshold=0)(image)
    for path in (tmp_path / "model.xml", str(tmp_path / "model.xml")):
        assert Segmenter(path, score_threshold=0)(tmp_path / "image.png") == want


def test_precision_and_hint_can_be_overridden() -> None:
    table, masks = graphs.rows(1, seed=7)

    def property_of(name: str, **options: object) -> object:
        return Segmenter(graphs.constant(table, masks), **options)._compiled.get_property(name)

    assert property_of("INFERENCE_PRECISION_HINT") == ov.Type.f32
    assert str(property_of("PERFORMANCE_HINT")).endswith("LATENCY")
    throughput = {ov.properties.hint.performance_mode: ov.properties.hint.PerformanceMode.THROUGHPUT}
    assert str(property_of("PERFORMANCE_HINT", config=throughput)).endswith("THROUGHPUT")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"score_threshold": 1.5}, ValueError, r"score_threshold: expected a number from 0 to 1, got 1\.5"),
        ({"score_threshold": float("nan")}, ValueError, "score_threshold"),
        ({"score_threshold": "0.5"}, TypeError, "score_threshold"),
        ({"score_threshold": None}, TypeError, "score_threshold"),
        ({"paste": "coco"}, ValueError, r"paste: expected one of 'omz', 'model_api', 'tf', .*got 'coco'"),
        ({"resize": "crop"}, ValueError, r"resize: expected one of 'fit', 'stretch', 'none', got 'crop'"),
        ({"color": "hsv"}, ValueError, r"color: expected one of 'bgr', 'rgb', got 'hsv'"),
        ({"preprocess": "gpu"}, ValueError, r"preprocess: expected one of 'opencv', 'graph', got 'gpu'"),
        ({"precision": "int8"}, ValueError, r"precision: expected one of 'f32', 'bf16', 'f16', got 'int8'"),
        ({"precision": ["f32"]}, TypeError, "precision: expected a str, got list"),
        ({"labels": 3}, TypeError, "labels: expected a path"),
        ({"device": "XPU"}, ValueError, r"device: expected one of 'CPU', .*got 'XPU'"),
        ({"device": "AUTO:XPU,CPU"}, ValueError, r"device: expected one of .*got 'AUTO:XPU,CPU'"),
        ({"device": 0}, TypeError, "device: expected a str, got int"),
    ],
)
def test_options_are_checked(options: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Segmenter("never read", **options)


def test_models_are_checked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no such file: .*absent\.xml"):
        Segmenter(tmp_path / "absent.xml")
    (tmp_path / "broken.xml").write_text("no model")
    with pytest.raises(ValueError, match=r"OpenVINO cannot read .*broken\.xml"):
        Segmenter(tmp_path / "broken.xml")
    with pytest.raises(TypeError, match=r"model: expected a path or an openvino\.Model, got int"):
        Segmenter(3)  # type: ignore[arg-type]


def test_class_names_come_with_the_model() -> None:
    network = graphs.echo()
    assert Segmenter(network)(picture(60, 80)).names is None
    network.set_rt_info("circle traffic_light", ["model_info", "labels"])
    found = Segmenter(network)(picture(60, 80))
    assert found.names == {1: "circle", 2: "traffic light"}
    assert found.name(2) == "traffic light"
