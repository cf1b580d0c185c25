"""Models that cannot be read or compiled, devices and properties: one clear error each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from maskrle.runtime import Counters, Requests, check_device, compile_model, infer, precisions, read_model


@pytest.fixture
def core() -> ov.Core:
    return ov.Core()


def model() -> ov.Model:
    parameters = graphs.inputs((32, 32))
    return graphs.model(parameters, out=op.relu(parameters[0]))


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert "Exception from" not in message
    return message


def test_a_missing_model(core: ov.Core, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"model: no such file: .*absent\.xml"):
        read_model(core, tmp_path / "absent.xml")


@pytest.mark.parametrize("name", ["model.xml", "model.pb", "model.onnx", "model.jpg", "model"])
@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(range(256)) * 40])
def test_files_that_are_no_models(core: ov.Core, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"model: OpenVINO cannot read .*{name}: ") as error:
        read_model(core, tmp_path / name)
    one_line(error)


def test_a_folder_that_is_no_model(core: ov.Core, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="model: OpenVINO cannot read ") as error:
        read_model(core, tmp_path)
    one_line(error)


@pytest.mark.parametrize("kept", [0, 10, 2000])
def test_damaged_models(core: ov.Core, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "model.xml"
    parameters = graphs.inputs((32, 32))
    weights = op.constant(np.ones((3, 3, 5, 5), np.float32))
    out = op.convolution(parameters[0], weights, [1, 1], [0, 0], [0, 0], [1, 1])
    ov.save_model(graphs.model(parameters, out=out), path)
    whole = path.with_suffix(".bin").read_bytes()
    if kept < len(whole):  # the weights cut short
        path.with_suffix(".bin").write_bytes(whole[:kept])
    else:  # the description cut short
        path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"model: OpenVINO cannot read .*model\.xml") as error:
        read_model(core, path)
    one_line(error)


def test_unknown_operations(core: ov.Core, tmp_path: Path) -> None:
    path = tmp_path / "model.xml"
    ov.save_model(model(), path)
    path.write_text(path.read_text().replace('type="ReLU"', 'type="Frobnicate"'))
    with pytest.raises(ValueError, match=r"model: OpenVINO cannot read .*Frobnicate") as error:
        read_model(core, path)
    one_line(error)


def test_unknown_operations_of_tensorflow(core: ov.Core, tmp_path: Path) -> None:
    graph = (Path(__file__).parent / "data/detector.pb").read_bytes()
    assert b"CropAndResize" in graph
    path = tmp_path / "model.pb"
    path.write_bytes(graph.replace(b"\x0dCropAndResize", b"\x0dFrobAndResize"))
    with pytest.raises(ValueError, match=r"model: OpenVINO cannot .*FrobAndResize"):
        compile_model(core, read_model(core, path), "CPU")


@pytest.mark.parametrize("given", [3, None, b"model.xml"])
def test_no_models(core: ov.Core, given: Any) -> None:
    with pytest.raises(TypeError, match=r"model: expected a path or an openvino\.Model, got "):
        read_model(core, given)


def test_a_given_model_is_not_changed(core: ov.Core) -> None:
    given = model()
    copy = read_model(core, given)
    copy.reshape({"image_tensor": [1, 3, 64, 64]})
    assert given.inputs[0].get_partial_shape() == ov.PartialShape([1, 3, 32, 32])


@pytest.mark.parametrize(
    "device", ["CPU", "AUTO", "AUTO:CPU", "AUTO:-GPU", "HETERO:CPU", "MULTI:CPU(1)", "BATCH:CPU(4)"]
)
def test_devices(core: ov.Core, device: str) -> None:
    check_device(core, device)
    assert compile_model(core, model(), device).outputs


@pytest.mark.parametrize(
    "device", ["cpu", "XPU", "", "AUTO:XPU", "HETERO:CPU,XPU", "CPU.5", "AUTO:CPU.0", "BATCH:XPU"]
)
def test_unknown_devices(core: ov.Core, device: str) -> None:
    with pytest.raises(ValueError, match=rf"device: expected one of 'CPU', .*got '{device}'") as error:
        check_device(core, device)
    one_line(error)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"NOPE": 1}, "config: NOPE=1 on CPU: .*Unsupported property"),
        ({"INFERENCE_NUM_THREADS": "many"}, "config: INFERENCE_NUM_THREADS='many' on CPU: Wrong value"),
        ({"PERFORMANCE_HINT_NUM_REQUESTS": "many"}, "config: PERFORMANCE_HINT_NUM_REQUESTS='many' on CPU: "),
        ({"PERFORMANCE_HINT": "SIDEWAYS"}, "config: PERFORMANCE_HINT='SIDEWAYS' on CPU: Wrong value"),
    ],
)
def test_unknown_properties(core: ov.Core, config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        compile_model(core, model(), "CPU", config=config)
    one_line(error)


def test_a_model_that_does_not_compile(core: ov.Core) -> None:
    class Nothing(ov.Op):  # type: ignore[misc]
        def __init__(self, inputs: Any = None) -> None:
            super().__init__(self, inputs)

        def validate_and_infer_types(self) -> None:
            self.set_output_type(0, self.get_input_element_type(0), ov.PartialShape.dynamic())

    parameters = graphs.inputs((32, 32))
    with pytest.raises(ValueError, match="model: OpenVINO cannot compile it for CPU: ") as error:
        compile_model(core, graphs.model(parameters, out=Nothing([parameters[0]])), "CPU")
    one_line(error)


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16"])
def test_precisions(core: ov.Core, precision: str) -> None:
    if precision in precisions(core, "CPU"):
        check_device(core, "CPU", precision)
        compiled = compile_model(core, model(), "CPU", precision)
        got = compiled.get_property("INFERENCE_PRECISION_HINT")
        assert got == {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}[precision]
    else:
        with pytest.raises(ValueError, match=f"precision: CPU has f32.* here, got '{precision}'"):
            check_device(core, "CPU", precision)


@pytest.mark.parametrize(
    "config",
    [
        {"INFERENCE_PRECISION_HINT": "bf16"},
        {ov.properties.hint.inference_precision: ov.Type.bf16},
        {"DEVICE_PROPERTIES": {"CPU": {"INFERENCE_PRECISION_HINT": "bf16"}}},
        {"DEVICE_PROPERTIES": '{"CPU":{"INFERENCE_PRECISION_HINT":"bf16"}}'},
        {"CPU": {ov.properties.hint.inference_precision: ov.Type.bf16}},
        dict([ov.properties.device.properties({"CPU": {"INFERENCE_PRECISION_HINT": "f16"}})]),
    ],
)
def test_the_precision_is_no_property(core: ov.Core, config: dict[Any, Any]) -> None:
    with pytest.raises(ValueError, match=r"config: .*: use precision= for the precision of the inference"):
        compile_model(core, model(), "AUTO:CPU", config=config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": ["a"]}, "config: expected a mapping from names of properties, got list"),
        ({"config": {"NUM_STREAMS": object()}}, "config: NUM_STREAMS: expected a value .*, got object"),
        ({"config": {"NUM_STREAMS": None}}, "config: NUM_STREAMS: expected a value .*, got NoneType"),
        ({"config": {"NUM_STREAMS": np.int64(2)}}, "config: NUM_STREAMS: expected a value .*, got int64"),
        ({"cache_dir": 3}, "cache_dir: expected a path, got int"),
    ],
)
def test_options_of_other_types(core: ov.Core, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        compile_model(core, model(), "CPU", **options)


def test_values_of_properties(core: ov.Core, tmp_path: Path) -> None:
    hints = ov.properties.hint
    for config in (
        {hints.performance_mode: hints.PerformanceMode.THROUGHPUT},
        dict([ov.properties.inference_num_threads(2)]),
        {"DEVICE_PROPERTIES": {"CPU": {"NUM_STREAMS": 2}}},
        {"CACHE_DIR": tmp_path},
    ):
        assert compile_model(core, model(), "CPU", config=config).get_property("NUM_STREAMS")


def test_config_comes_first(core: ov.Core) -> None:
    compiled = compile_model(core, model(), "CPU", "f32", config={"PERFORMANCE_HINT": "THROUGHPUT"})
    assert str(compiled.get_property("PERFORMANCE_HINT")).endswith("THROUGHPUT")


def test_a_cache_of_compiled_models(core: ov.Core, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    for _ in range(2):
        compile_model(core, model(), "CPU", cache_dir=folder)
        assert len(list(folder.glob("*.blob"))) == 1


def test_a_cache_that_cannot_be(core: ov.Core, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "cache"
    with pytest.raises(ValueError, match=rf"cache_dir: .*{re.escape(str(folder))}") as error:
        compile_model(core, model(), "CPU", cache_dir=folder)
    one_line(error)


def test_inputs_that_the_network_cannot_take(core: ov.Core) -> None:
    request = compile_model(core, model(), "CPU").create_infer_request()
    with pytest.raises(RuntimeError, match="OpenVINO cannot run the network on this input: ") as error:
        infer(request, {0: np.zeros((1, 3, 32, 33), np.float32)})
    one_line(error)


def test_requests_are_lent_to_one_at_a_time_and_not_after_an_error() -> None:
    compiled = compile_model(ov.Core(), graphs.echo((8, 8)), "CPU", config={"PERF_COUNT": True})
    counters = Counters()
    requests = Requests(compiled, list, counters)
    with requests.lent() as (one, mine), requests.lent() as (other, yours):
        assert one is not other
        assert mine is not yours
    with requests.lent() as (again, ours):
        assert ours is yours or ours is mine
        again.infer([np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 3), np.float32)])
    assert sum(node.seconds for node in counters.nodes()) > 0

    def failing() -> None:
        with requests.lent():
            raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            failing()
    with requests.lent() as (_, fresh):
        assert fresh is not mine
        assert fresh is not yours
