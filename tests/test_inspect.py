from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import graphs
import networks
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op

from maskrle.cli import main

DATA = Path(__file__).parent / "data"


@pytest.fixture
def inspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command on a model: exit code, its lines as name -> texts, stderr."""

    def run(model: ov.Model | Path | None, *args: str) -> tuple[int, dict[str, list[str]], str]:
        if isinstance(model, ov.Model):
            ov.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
            model = tmp_path / "model.xml"
        code = main(["inspect", *([] if model is None else [str(model)]), *args])
        captured = capsys.readouterr()
        found: dict[str, list[str]] = {}
        for line in captured.out.splitlines():
            name, _, text = line.strip().partition("  ")
            found.setdefault(name, []).append(text.strip())
        assert captured.err.count("\n") <= 1
        return code, found, captured.err

    return run


def network(contract: str, **options: Any) -> ov.Model:
    return networks.network(contract, [networks.answers(contract, 3, seed=1)], **options)


def test_the_embedded_network(inspected: Any) -> None:
    code, found, errors = inspected(None)
    assert (code, errors) == (0, "")
    assert found["model"] == ["the embedded network"]
    assert found["input"] == ["image_tensor f32 [1,3,800,1365]", "image_info f32 [1,3]"]
    assert [text.split()[0] for text in found["output"]] == ["reshape_do_2d", "masks"]
    assert found["contract"][0].startswith("omz-tf: ")
    assert found["masks"] == ["90 channels, for labels 1 to 90"]
    assert found["image"] == ["image_tensor: NCHW, BGR, float32, 0 to 255"]
    assert found["size"] == ["800x1365 (height x width)"]
    assert found["batch"] == ["1"]
    assert found["labels"][0].startswith("8 names: 1 circle, 2 square, ")
    assert found["an image of"] == ["480x640 (height x width)"]
    assert found["fit"] == ["resized to 800x1066, zeros to the right and below up to 800x1365"]
    assert found["stretch"] == ["resized to 800x1365"]
    assert found["none"] == ["refused: the network takes images of its own size only"]
    assert any(text.startswith("CPU: ") for text in found["device"])
    assert "f32" in found["precision"][0]


@pytest.mark.parametrize("contract", networks.CONTRACTS)
def test_every_contract(inspected: Any, contract: str) -> None:
    code, found, errors = inspected(network(contract))
    assert (code, errors) == (0, "")
    assert found["contract"][0].startswith(f"{contract}: ")
    rgb = contract in ("tf-od", "torchvision")
    white = 1 if contract == "torchvision" else 255
    assert re.search(rf"NCHW, {'RGB' if rgb else 'BGR'}, float32, 0 to {white}$", found["image"][0])
    pixels = contract in networks.PIXELS
    assert found["boxes"] == [f"{'pixels' if pixels else 'fractions'} of the network's input"]
    assert ("paste" in found) == (contract == "tf-od")
    assert found["labels"][0].startswith(
        "no names" if contract == "torchvision" else "80 names, assumed: 1 person"
    )


@pytest.mark.parametrize("path", [DATA / "detector.pb", DATA / "detector"])
def test_models_of_tensorflow(inspected: Any, path: Path) -> None:
    code, found, errors = inspected(path, "--image-size", "1000x20")
    assert (code, errors) == (0, "")
    assert found["contract"][0].startswith("tf-od: ")
    assert found["image"] == ["image_tensor: NHWC, RGB, uint8, 0 to 255"]
    assert found["size"] == ["dynamicxdynamic (height x width)"]
    assert found["fit"] == found["stretch"] == found["none"] == ["as it is"]
    assert found["paste"] == ["such networks were evaluated with paste='tf'; the default is 'omz'"]


def test_limits_of_sides(inspected: Any) -> None:
    sides = [ov.Dimension(1, 8), 3, ov.Dimension(32, 500), ov.Dimension(32, -1)]
    model = network("omz-tf", shape=ov.PartialShape(sides), info=-1)
    code, found, _ = inspected(model)
    assert (code, found["size"], found["batch"]) == (0, ["32..500x32..dynamic (height x width)"], ["1..8"])
    assert found["fit"] == found["none"] == ["as it is"]
    _, found, _ = inspected(model, "--image-size", "501x640")
    refused = ["refused: the network takes inputs of 32..500x32..dynamic only"]
    assert found["fit"] == found["stretch"] == found["none"] == refused


def test_batches_and_labels(inspected: Any, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    model = networks.network("omz-tf", [networks.answers("omz-tf", 3, seed=1)] * 2)
    code, found, _ = inspected(model, "--labels", str(tmp_path / "names.txt"))
    assert (code, found["batch"], found["labels"]) == (0, ["2"], ["2 names: 1 cat, 2 dog"])


def test_a_model_that_fits_nothing(inspected: Any) -> None:
    parameter = graphs.named(op.parameter([1, 3, 64, 64], np.float32), "data")
    code, found, errors = inspected(graphs.model([parameter], masks=op.relu(parameter)))
    assert code == 1
    assert errors == "maskrle: error: no known contract fits this model\n"
    assert (found["input"], found["output"]) == (["data f32 [1,3,64,64]"], ["masks f32 [1,3,64,64]"])
    assert found["omz-tf"] == ["there is no output reshape_do_2d"]
    assert found["omz-instance"] == [
        "there is no output labels, boxes; output masks: expected [N, h, w], the model has [1,3,64,64]"
    ]
    assert "contract" not in found


def test_a_contract_that_does_not_fit(inspected: Any) -> None:
    code, found, errors = inspected(network("omz-tf"), "--contract", "torchvision")
    assert code == 1
    assert errors.startswith(
        "maskrle: error: contract torchvision does not fit this model: there is no output"
    )
    assert "torchvision" in found
    assert inspected(network("omz-tf"), "--contract", "omz-tf")[0] == 0


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--image-size", "480"], 2, "--image-size: expected height and width as 480x640, got '480'"),
        (["--image-size", "0x5"], 2, "--image-size"),
        (["-d", "XPU"], 1, "device: expected one of 'CPU'"),
        (["--contract", "yolo"], 1, "contract: expected one of 'omz-tf'"),
        (["--labels", "absent.txt"], 1, "absent.txt: No such file or directory"),
    ],
)
def test_errors_are_one_line(inspected: Any, args: list[str], code: int, message: str) -> None:
    got, _, errors = inspected(network("omz-tf"), *args)
    assert got == code
    assert errors.startswith("maskrle: error: ")
    assert message in errors


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_files_that_are_no_models(inspected: Any, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.xml"
    if content is not None:
        path.write_bytes(content)
    code, found, errors = inspected(path)
    assert (code, found) == (1, {})
    assert errors.startswith("maskrle: error: model: ")
