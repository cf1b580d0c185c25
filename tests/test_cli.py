from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import graphs
import networks
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as op
from pycocotools.coco import COCO

from maskrle import Segmenter, __version__, shapes
from maskrle.cli import main
from maskrle.cli.console import quiet_libraries


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick network in place of the embedded one: two detections in any picture with blue in its corner."""
    table, masks = graphs.rows(2, seed=3, classes=8)
    table[:, 2] = 0.9
    monkeypatch.setattr(shapes, "network", lambda: graphs.constant(table, masks))


def png(path: Path, height: int = 60, width: int = 80, value: int = 90) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(cv2.imencode(".png", np.full((height, width, 3), value, np.uint8))[1].tobytes())
    return path


def load(directory: Path) -> tuple[COCO, COCO]:
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(directory / "annotations.json"))
        return truth, truth.loadRes(str(directory / "results.json"))


def run(*args: str | Path, cwd: Path, columns: int = 80) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "maskrle", *map(str, args)]
    environment = os.environ | {"COLUMNS": str(columns), "PYTHONUTF8": "1"}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
    )


def test_version(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"maskrle {__version__}\n"
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"maskrle {__version__}\n", "")


@pytest.mark.parametrize("args", [[], ["--help"], ["demo", "--help"]])
def test_help(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    assert main(args) == 0
    assert "Usage: maskrle" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["demon"], "demon"),
        (["demo", "--sceens", "3"], "--sceens"),
        (["demo", "--scenes", "0"], "--scenes"),
        (["demo", "--scenes", "many"], "--scenes"),
        (["demo", "--out"], "--out"),
        (["demo", "--scenes", "2", "image.png"], "not together with IMAGE"),
    ],
)
def test_usage_errors_are_one_line(capsys: pytest.CaptureFixture[str], args: list[str], message: str) -> None:
    assert main(args) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("maskrle: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


@pytest.mark.usefixtures("network")
def test_scenes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", "--out", str(tmp_path / "new" / "out"), "--scenes", "5"]) == 0
    out = tmp_path / "new" / "out"
    pictures = [f"scene-{number}{kind}.png" for number in range(1, 6) for kind in ("", "-overlay")]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*pictures, "annotations.json", "results.json"]
    )
    truth, _ = load(out)
    sizes = {(image["height"], image["width"]) for image in truth.dataset["images"]}
    assert len(sizes) == 4
    for image in truth.dataset["images"]:
        scene = cv2.imread(str(out / image["file_name"]))
        assert scene.shape == (image["height"], image["width"], 3)
    captured = capsys.readouterr()
    assert captured.err == ""
    for name in [*pictures[1::2], str(out)]:
        assert name in captured.out


@pytest.mark.usefixtures("network")
def test_images(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    paths = [png(tmp_path / "a" / "bild [b]ü.png"), png(tmp_path / "b" / "bild [b]ü.png", 30, 40)]
    assert main(["demo", "--out", str(tmp_path / "out"), *map(str, paths)]) == 0
    out = tmp_path / "out"
    overlays = ["bild [b]ü-overlay.png", "bild [b]ü-overlay-2.png"]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*overlays, "annotations.json", "results.json"]
    )
    truth, results = load(out)
    assert [image["file_name"] for image in truth.dataset["images"]] == [str(path) for path in paths]
    assert len(results.getAnnIds(imgIds=[1])) == len(results.getAnnIds(imgIds=[2])) == 2
    captured = capsys.readouterr()
    for name in [*overlays, *map(str, paths)]:
        assert name in captured.out


@pytest.mark.usefixtures("network")
def test_inputs_are_never_overwritten(tmp_path: Path) -> None:
    image, trap = png(tmp_path / "x.png"), png(tmp_path / "x-overlay.png")
    before = trap.read_bytes()
    assert main(["demo", "--out", str(tmp_path), str(image), str(trap)]) == 0
    assert trap.read_bytes() == before
    assert (tmp_path / "x-overlay-2.png").exists()


@pytest.mark.usefixtures("network")
def test_one_bad_image_among_several(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, broken = png(tmp_path / "good.png"), tmp_path / "broken.png"
    broken.write_text("no image")
    absent = tmp_path / "absent.png"
    assert main(["demo", "--out", str(tmp_path / "out"), *map(str, [absent, good, broken])]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        f"maskrle: error: {absent}: No such file or directory",
        f"maskrle: error: {broken}: not an image that OpenCV can read",
    ]
    truth, results = load(tmp_path / "out")
    assert [image["id"] for image in truth.dataset["images"]] == [2]
    assert {annotation["image_id"] for annotation in results.dataset["annotations"]} == {2}


@pytest.mark.usefixtures("network")
def test_nothing_readable_at_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", "--out", str(tmp_path), str(tmp_path / "absent.png")]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("network")
def test_an_output_directory_that_is_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert main(["demo", "--out", str(path)]) == 1
    assert capsys.readouterr().err == f"maskrle: error: {path}: File exists\n"


def test_demo_end_to_end(tmp_path: Path) -> None:
    """The embedded network finds what the scenes show."""
    done = run("demo", "--scenes", "3", cwd=tmp_path, columns=20)
    assert (done.returncode, done.stderr) == (0, "")
    out = tmp_path / "maskrle-demo"
    truth, results = load(out)
    assert len(truth.dataset["images"]) == 3
    categories = [(category["id"], category["name"]) for category in truth.dataset["categories"]]
    assert categories == list(enumerate(shapes.CLASSES, start=1))
    assert len(json.loads((out / "results.json").read_text())) >= 3
    for image in truth.dataset["images"]:
        stem = Path(image["file_name"]).stem
        assert f"{stem}-overlay.png" in done.stdout
        scene = cv2.imread(str(out / image["file_name"]))
        overlay = cv2.imread(str(out / f"{stem}-overlay.png"))
        found = results.loadAnns(results.getAnnIds(imgIds=[image["id"]]))
        assert found
        changed = (overlay != scene).any(axis=2)
        covered = np.any([results.annToMask(annotation) for annotation in found], axis=0)
        assert changed[covered].mean() > 0.9
        wanted = truth.loadAnns(truth.getAnnIds(imgIds=[image["id"]]))
        shown = np.any([truth.annToMask(annotation) for annotation in wanted], axis=0)
        assert (shown & covered).sum() > 0.5 * (shown | covered).sum()


def test_a_model_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table, masks = graphs.rows(3, seed=3, classes=8)
    table[:, 2] = [0.9, 0.6, 0.3]
    ov.save_model(graphs.constant(table, masks), tmp_path / "model.xml")
    (tmp_path / "names.txt").write_text("cat\ndog\nhorse\n")
    image = png(tmp_path / "image.png")
    args = ["-m", tmp_path / "model.xml", "-t", "0.5", "--labels", tmp_path / "names.txt", "-d", "CPU"]
    assert main(["demo", "--out", str(tmp_path / "out"), str(image), *map(str, args)]) == 0
    truth, results = load(tmp_path / "out")
    assert [(category["id"], category["name"]) for category in truth.dataset["categories"]] == [
        (1, "cat"),
        (2, "dog"),
        (3, "horse"),
    ]
    found = results.loadAnns(results.getAnnIds(imgIds=[1]))
    assert [annotation["category_id"] for annotation in found] == table[:2, 1].tolist()
    assert capsys.readouterr().err == ""


def test_one_picture_that_fails_among_several(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The first makes the network break its contract, the last is too large for it."""
    table, masks = graphs.rows(90, seed=3)
    table[:, 2] = 0.9
    table[80, 1] = 99
    sides = [ov.Dimension(20, 70)] * 2
    parameters = graphs.inputs((1, 1))
    parameters[0].set_partial_shape(ov.PartialShape([1, 3, *sides]))
    ov.save_model(graphs.constant(table, masks, parameters=parameters), tmp_path / "model.xml")
    paths = [
        png(tmp_path / f"{name}.png", height, 60, value)
        for name, height, value in (("bad", 60, 90), ("good", 50, 80), ("large", 71, 1))
    ]
    out = tmp_path / "out"
    assert main(["demo", "-m", str(tmp_path / "model.xml"), "--out", str(out), *map(str, paths)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert errors[0].startswith(f"maskrle: error: {paths[0]}: contract omz-tf: row 80 has label 99")
    assert errors[1].startswith(f"maskrle: error: {paths[2]}: resize: 'fit' needs an input of 71x60")
    truth, results = load(out)
    assert [image["file_name"] for image in truth.dataset["images"]] == [str(paths[1])]
    assert len(results.dataset["annotations"]) == 80


def test_options_of_the_network(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    known = networks.answers("torchvision", 3, seed=1)
    model = networks.network("torchvision", [known])
    ov.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    image = png(tmp_path / "image.png", value=3)

    def demo(*options: str) -> int:
        args = ["demo", "-m", str(tmp_path / "model.xml"), "--out", str(tmp_path), str(image), *options]
        return main(args)

    assert demo("--contract", "torchvision", "--resize", "stretch", "--paste", "detectron2") == 0
    segmenter = Segmenter(model, paste="detectron2", resize="stretch")
    assert json.loads((tmp_path / "results.json").read_text()) == segmenter(image).to_coco(1)
    assert Segmenter(model)(image).to_coco(1) != segmenter(image).to_coco(1)
    capsys.readouterr()
    for option, message in (
        ("--contract", "contract: expected one of"),
        ("--resize", "resize: expected one of"),
        ("--paste", "paste: expected one of"),
    ):
        assert demo(option, "nothing") == 1
        assert capsys.readouterr().err.startswith(f"maskrle: error: {message}")


@pytest.mark.parametrize("command", ["inspect", "demo"])
def test_a_damaged_model_is_one_line(command: str, tmp_path: Path) -> None:
    """Also where the libraries that read it write to stderr by themselves."""
    image, model = png(tmp_path / "image.png"), tmp_path / "model.pb"
    model.write_bytes(bytes(range(256)) * 40)
    args = ["inspect", model] if command == "inspect" else ["demo", image, "-m", model]
    done = run(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("maskrle: error: model: OpenVINO cannot read ")
    assert done.stderr.count("\n") == 1


def test_stderr_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, b"theirs\n")
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"), quiet_libraries():
        fail()
    os.write(2, b"again\n")
    assert capfd.readouterr().err == "again\n"


def test_a_model_that_cannot_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    image, model = str(png(tmp_path / "image.png")), tmp_path / "model.xml"
    out = tmp_path / "out"
    parameters = graphs.inputs((32, 32))
    ov.save_model(graphs.model(parameters, masks=op.relu(parameters[0])), model)
    assert main(["demo", "-m", str(model), "--out", str(out), image]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("maskrle: error: no known contract fits this model. Inputs: image_tensor f32")
    assert errors.count("\n") == 1
    assert main(["demo", "-m", str(model), "--out", str(out)]) == 2
    assert "--model needs IMAGE" in capsys.readouterr().err
    assert not out.exists()
