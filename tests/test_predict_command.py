from __future__ import annotations

import json
import os
import pty
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import pytest
from test_predict import SIZE, picture

from maskrle.cli import main
from maskrle.evaluate import evaluate


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a network that finds as many as a picture's blue says, and six pictures."""
    monkeypatch.chdir(tmp_path)
    table, masks = graphs.rows(5, seed=3, classes=8)
    table[:, 2] = np.linspace(0.5, 0.9, 5)
    model = graphs.constant(table, masks, size=SIZE)
    model.set_rt_info("circle square", ["model_info", "labels"])
    ov.save_model(model, "model.xml", compress_to_fp16=False)
    Path("images").mkdir()
    for number in range(6):
        Path(f"images/{number}.png").write_bytes(cv2.imencode(".png", picture(number))[1].tobytes())
    return tmp_path


def predict(*args: object) -> int:
    return main(["predict", "-m", "model.xml", *map(str, args)])


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "maskrle", "predict", "-m", "model.xml", *map(str, args)]


def lines(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def bomb(path: str, side: int) -> None:
    """A PNG of 200 bytes that says it is that large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    content = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("images", "-o", "out.jsonl") == 0
    assert [len(line["detections"]) for line in lines("out.jsonl")] == [0, 1, 2, 3, 4, 5]
    assert [line["file_name"] for line in lines("out.jsonl")] == [
        f"images/{number}.png" for number in range(6)
    ]
    captured = capsys.readouterr()
    assert captured.err == ""
    for words in (
        "read",
        "preprocess",
        "inference",
        "postprocess",
        "6 images, 15 detections, 0 errors",
        "out.jsonl",
    ):
        assert words in captured.out
    assert not Path("out.jsonl.partial").exists()


@pytest.mark.usefixtures("folder")
def test_annotations_can_be_evaluated(capsys: pytest.CaptureFixture[str]) -> None:
    images = [{"id": 10 * n, "file_name": f"{n}.png", "height": SIZE[0], "width": SIZE[1]} for n in range(6)]
    dataset = {
        "images": images,
        "annotations": [],
        "categories": [{"id": n, "name": str(n)} for n in range(9)],
    }
    Path("instances.json").write_text(json.dumps(dataset))
    assert predict("instances.json", "--images", "images", "-o", "out.json") == 0
    results = json.loads(Path("out.json").read_text())
    assert {result["image_id"] for result in results} == {10, 20, 30, 40, 50}
    assert set(evaluate("out.json", "instances.json")) == {"box", "mask"}
    assert [image["id"] for image in json.loads(Path("out.json.images.json").read_text())["images"]] == [
        0, 10, 20, 30, 40, 50
    ]  # fmt: skip
    capsys.readouterr()


@pytest.mark.usefixtures("folder")
def test_inputs_are_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.dumps({"images": [{"id": 1, "file_name": "images/1.png"}]})
    Path("link.json").symlink_to("x.json")
    for given, out in (("x.json", "x.json"), ("x.json", "link.json"), ("out.json.images.json", "out.json")):
        Path(given).write_text(content)
        assert predict(given, "-o", out) == 1
        assert "would be written over, and it is an input" in capsys.readouterr().err
        assert Path(given).read_text() == content
    Path("names.jsonl").write_text("circle")
    assert predict("images", "-o", "names.jsonl", "--labels", "names.jsonl") == 1
    capsys.readouterr()


@pytest.mark.usefixtures("folder")
def test_options_of_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    def found(*options: object) -> list[list[int]]:
        assert predict("images/5.png", "images/3.png", "-o", "out.jsonl", *options) == 0
        return [[one["category_id"] for one in line["detections"]] for line in lines("out.jsonl")]

    everything = found()
    assert found("-t", "0.75") == [everything[0][3:], []]
    assert found("--max-detections", 1) == [everything[0][-1:], everything[1][-1:]]
    label = everything[0][0]
    assert found("--classes", f"{label},square") == [
        [one for one in image if one in (label, 2)] for image in everything
    ]
    options = (
        "-nireq",
        3,
        "-nstreams",
        2,
        "-nthreads",
        1,
        "-d",
        "CPU",
        "--paste",
        "tf",
        "--resize",
        "stretch",
    )
    assert found(*options) == everything
    Path("names.txt").write_text("\n".join(f"class {n}" for n in range(1, 9)))
    assert found("--labels", "names.txt", "--classes", f"class {label}")[0].count(label) >= 1
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("folder")
def test_counters_of_openvino(capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("images", "-o", "out.jsonl", "--profile") == 0
    table = capsys.readouterr().out.partition("node ")[2].splitlines()
    assert table[0].split() == ["type", "kernel", "seconds", "share"]
    assert len(table) > 2


def test_bad_pictures_do_not_end_the_run(folder: Path) -> None:
    bomb("bomb.png", 20_000)
    Path("empty.png").touch()
    inputs = ["bomb.png", "images/1.png", "absent.png", "empty.png", "images/1.png"]
    done = subprocess.run(
        command(*inputs, "-o", "out.jsonl"), capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 1
    errors = {line["source"]: line["reason"] for line in lines("out.jsonl.errors.jsonl")}
    assert "larger than the 200000000 pixels" in errors["bomb.png"]
    assert errors["absent.png"] == "No such file or directory"
    assert errors["empty.png"] == "not an image that OpenCV can read"
    assert [line["image_id"] for line in lines("out.jsonl")] == [2, 5]
    assert sorted(line.partition(" error: ")[2].partition(":")[0] for line in done.stderr.splitlines()) == [
        "absent.png", "bomb.png", "empty.png"
    ]  # fmt: skip
    assert "5 images, 2 detections, 3 errors" in done.stdout


def test_the_limit_of_pixels_is_an_option(folder: Path) -> None:
    """It holds before memory is allocated. (`ru_maxrss` begins with that of the parent process.)"""
    bomb("bomb.png", 20_000)
    measured = (
        "import sys; from maskrle.cli import main\n"
        "main(sys.argv[1:])\n"
        "status = open('/proc/self/status').read() if sys.platform == 'linux' else 'VmHWM: 0 kB'\n"
        "print('peak', status.partition('VmHWM:')[2].split()[0])\n"
    )
    for megapixels, refused in ((300, True), (500, False)):
        limit = ["--max-megapixels", str(megapixels)]
        args = ["predict", "-m", "model.xml", "bomb.png", "images/1.png", "-o", "out.jsonl", *limit]
        program = [sys.executable, "-c", measured, *args]
        done = subprocess.run(program, capture_output=True, text=True, env=environment(), check=True)
        assert (f"larger than the {megapixels}000000 pixels" in done.stderr) == refused
        if refused:  # the picture would have 1.2 GB
            assert int(done.stdout.split()[-1]) < 700_000


@pytest.mark.usefixtures("folder")
def test_strict_and_resume(capsys: pytest.CaptureFixture[str]) -> None:
    Path("images/3.png").write_bytes(b"")
    assert predict("images", "-o", "out.json", "--strict") == 1
    captured = capsys.readouterr()
    assert captured.err == (
        "maskrle: error: images/3.png: not an image that OpenCV can read; 3 finished images are in "
        "out.json.partial: --resume goes on from there\n"
    )
    assert not Path("out.json").exists()
    assert predict("images", "-o", "out.json") == 1
    assert "left by a run that was interrupted" in capsys.readouterr().err
    assert predict("images", "-o", "out.json", "--resume", "-t", "0.6") == 1
    assert "had threshold 0.5, this one has 0.6" in capsys.readouterr().err
    weights = Path("model.bin").stat()
    os.utime("model.bin", (0, 0))
    assert predict("images", "-o", "out.json", "--resume") == 1
    assert "had model 'model.xml; " in capsys.readouterr().err
    os.utime("model.bin", ns=(weights.st_atime_ns, weights.st_mtime_ns))
    Path("images/3.png").write_bytes(cv2.imencode(".png", picture(3))[1].tobytes())
    assert predict("images", "-o", "out.json", "--resume") == 0
    captured = capsys.readouterr()
    assert "3 of the images were finished by an earlier run" in captured.out
    assert predict("images", "-o", "out.json", "--resume") == 0
    assert "out.json is complete: nothing to resume" in capsys.readouterr().out
    resumed = Path("out.json").read_bytes()
    assert predict("images", "-o", "out.json") == 0
    assert Path("out.json").read_bytes() == resumed


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["images"], 2, "--out"),
        (["-o", "out.json"], 2, "INPUT"),
        (["images", "-o", "out.csv"], 1, "out: expected a file name ending in .json, .jsonl, .parquet"),
        (["images", "-o", "absent/out.json"], 1, "absent/out.json.partial: No such file or directory"),
        (["images", "-o", "images/x.json/y.json"], 1, "No such file"),
        (["nothing*", "-o", "out.json"], 1, "input: no files match nothing*"),
        (["images", "-o", "out.json", "-m", "absent.xml"], 1, "model: no such file: absent.xml"),
        (
            ["images", "-o", "out.json", "--classes", "cat"],
            1,
            "names this network knows (circle, square), got 'cat'",
        ),
        (["images", "-o", "out.json", "--overlays", "model.xml"], 1, "model.xml: File exists"),
        (["images", "-o", "out.json", "--report", "model.xml"], 1, "report: expected a folder, got the file"),
        (["images", "-o", "out.json", "--colors", "red"], 1, "colors: expected one of 'class', 'instance'"),
        (["images", "-o", "out.json", "-nireq", "0"], 2, "-nireq"),
        (["images", "-o", "out.json", "--max-megapixels", "inf"], 2, "--max-megapixels"),
        (["images", "-o", "out.json", "--max-megapixels", "1e30"], 2, "--max-megapixels"),
        (
            ["s3://k:secret@b/a", "-o", "out.json"],
            1,
            "engine: expected ray for URLs, got 'local' for s3://b/a",
        ),
        (["images", "-o", "s3://b/out.json"], 1, "expected ray for URLs, got 'local' for s3://b/out.json"),
        (["images", "-o", "out.json", "-t", "2"], 1, "score_threshold: expected a number from 0 to 1"),
    ],
)
def test_what_cannot_be_done_is_one_line_before_any_work(
    capsys: pytest.CaptureFixture[str], args: list[str], code: int, message: str
) -> None:
    before = sorted(Path().rglob("*"))
    assert predict(*args) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("maskrle: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert sorted(Path().rglob("*")) == before


@pytest.mark.usefixtures("folder")
def test_what_a_colour_stands_for() -> None:
    for colors in ("class", "instance"):
        assert predict("images/5.png", "-o", "out.json", "--overlays", colors, "--colors", colors) == 0
    assert Path("class/5-overlay.jpg").read_bytes() != Path("instance/5-overlay.jpg").read_bytes()


@pytest.mark.usefixtures("folder")
def test_what_is_said_is_one_line_that_no_terminal_obeys() -> None:
    name = os.fsdecode(b"\x1b]0;title\x07\nx\xff\xc3\xa9.png")
    Path(name).touch()
    for coding in ("utf-8", "ascii"):
        said = environment() | {"PYTHONIOENCODING": coding}
        args = command(name, "images/1.png", "-o", f"{name}.jsonl")
        for more, begins in (([], b"Written: "), (["--resume"], b"")):
            done = subprocess.run(args + more, capture_output=True, env=said, check=False)
            assert done.returncode == 1
            assert done.stderr.count(b"\n") == (not more)
            assert done.stdout.splitlines()[-1].startswith(begins + rb"\x1b]0;title\x07 x\xff")
            for text in (done.stdout, done.stderr):
                text.decode(coding)
                assert b"\x1b" not in text
                assert b"\x07" not in text
    assert len(lines(f"{name}.jsonl")) == 1


@pytest.mark.usefixtures("folder")
def test_overlays_within_the_input_are_no_input(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither for the run that takes this one up, nor for the next one."""
    args = ["images", "-o", "out.jsonl", "--overlays", "images/overlays"]
    Path("images/3.png").write_bytes(b"")
    assert predict(*args, "--strict") == 1
    assert len(list(Path("images/overlays").iterdir())) >= 3
    assert predict(*args, "--resume") == 1
    for _ in range(2):
        assert len(list(Path("images/overlays").iterdir())) == 5
        assert len(lines("out.jsonl")) == 5
        assert predict(*args) == 1
    capsys.readouterr()


def test_a_full_disk(folder: Path) -> None:
    """A limit on the size of files stands in for it."""
    limited = (
        "import resource, sys; from maskrle.cli import main; import cv2, openvino\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    args = ["predict", "-m", "model.xml", "images", "-o", "out.jsonl"]
    done = subprocess.run(
        [sys.executable, "-c", limited, *args], capture_output=True, text=True, env=environment(), check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("maskrle: error: out.jsonl.partial: File too large; ")
    assert "finished images are in out.jsonl.partial: --resume goes on from there" in done.stderr
    assert not Path("out.jsonl").exists()
    assert predict("images", "-o", "out.jsonl", "--resume") == 0
    assert len(lines("out.jsonl")) == 6


def test_control_c(folder: Path) -> None:
    """What is finished is kept, and said."""
    ov.save_model(graphs.slow(30), "model.xml")
    with subprocess.Popen(
        command(*["images"] * 20, "-o", "out.jsonl"), stderr=subprocess.PIPE, text=True, env=environment()
    ) as running:
        while (
            not Path("out.jsonl.partial").exists() or Path("out.jsonl.partial").read_bytes().count(b"\n") < 3
        ):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert running.returncode == 130
    assert errors.startswith("maskrle: error: interrupted; ")
    assert "--resume goes on from there" in errors
    assert not Path("out.jsonl").exists()


def test_a_video_becomes_a_video(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    writer = cv2.VideoWriter("a clip.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 10, (SIZE[1], SIZE[0]))
    for _ in range(7):
        writer.write(np.full((*SIZE, 3), 3, np.uint8))
    writer.release()
    assert predict("a clip.mp4", "images/2.png", "-o", "out.jsonl", "--overlays", "overlays") == 0
    assert sorted(path.name for path in Path("overlays").iterdir()) == ["2-overlay.jpg", "a clip-overlay.mp4"]
    assert [line.get("frame") for line in lines("out.jsonl")] == [0, 1, 2, 3, 4, 5, 6, None]
    capture = cv2.VideoCapture("overlays/a clip-overlay.mp4")
    frames = [capture.read()[0] for _ in range(8)]
    assert frames == [True] * 7 + [False]
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("folder")
def test_control_c_is_how_a_camera_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        frames = 0

        def read(self) -> tuple[bool, Any]:
            self.frames += 1
            if self.frames == 9:
                signal.raise_signal(signal.SIGINT)
            return True, picture(2)

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Camera())
    before = signal.getsignal(signal.SIGINT)
    assert predict("0", "-o", "out.jsonl") == 0
    assert [line["frame"] for line in lines("out.jsonl")] == list(range(9))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("folder")
def test_control_c_twice_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A camera that gives nothing more does not hang for ever."""

    class Camera:
        frames = 0

        def read(self) -> tuple[bool, Any]:
            self.frames += 1
            if self.frames == 30:
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            return True, picture(2)

        def release(self) -> None:
            pass

    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Camera())
    assert predict("0", "images", "-o", "out.jsonl") == 130
    assert "finished images are in out.jsonl.partial" in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


def test_the_embedded_network_and_a_bar_on_a_terminal(folder: Path) -> None:
    parent, child = pty.openpty()
    args = [sys.executable, "-m", "maskrle", "predict", "images", "-o", "out.parquet"]
    terminal = environment() | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(args, stderr=child, stdout=subprocess.DEVNULL, env=terminal) as running:
        running.wait(60)
    os.close(child)
    shown = os.read(parent, 100_000).decode()
    os.close(parent)
    assert running.returncode == 0
    assert "6/6" in shown
    assert "images/s" in shown
    assert "0 errors" in shown


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"}
