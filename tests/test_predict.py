from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import pytest
from numpy.typing import NDArray
from pages import read_page, without_throughput

from maskrle import Segmenter
from maskrle.predict import Failed, Run, select
from maskrle.report import report
from maskrle.sources import sources

SIZE = (48, 64)
COUNT = 120
KILLS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that finds as many as a picture's blue says, pictures, and three that are none."""
    root = tmp_path_factory.mktemp("pictures")
    write_model(root / "model.xml")
    (root / "images").mkdir()
    for number in range(COUNT):
        content = cv2.imencode(".png", picture(number % 10))[1].tobytes()
        (root / f"images/{number:03}.png").write_bytes(content if number not in (5, 17, 18) else b"")
    return root


def write_model(path: Path) -> None:
    """A network that finds as many as a picture's blue says."""
    table, masks = graphs.rows(9, seed=3, classes=8)
    table[:, 2] = np.linspace(0.5, 0.95, 9)
    model = graphs.constant(table, masks, size=SIZE)
    model.set_rt_info("circle square", ["model_info", "labels"])
    ov.save_model(model, path, compress_to_fp16=False)


def picture(count: int) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), (count, 90, 90), np.uint8)


def run(folder: Path, out: Path, **options: Any) -> Run:
    return Run(sources([str(folder / "images")]), out, {"threshold": 0.5}, **options)


def done(the_run: Run, folder: Path, *, stop: int | None = None) -> list[Any]:
    """Carry a run out, or as much of it as `stop` says."""
    segmenter = Segmenter(folder / "model.xml", config={"PERFORMANCE_HINT": "THROUGHPUT"})
    journal = the_run.prepare()
    assert journal is not None
    with journal:
        outcomes = the_run.outcomes(segmenter, journal)
        if stop is None:
            return list(outcomes)
        taken = [next(outcomes) for _ in range(stop)]
        outcomes.close()  # type: ignore[attr-defined]
        return taken


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_every_file_has_the_same_bytes_whatever_the_workers_and_interruptions(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    wanted = {}
    for name, workers in (("a", 1), ("b", 2), ("c", 5)):
        (tmp_path / name).mkdir()
        outcomes = done(run(folder, tmp_path / name / f"out{suffix}", workers=workers), folder)
        assert [outcome.detections for outcome in outcomes if not outcome.error] == [
            min(number % 10, 9) for number in range(COUNT) if number not in (5, 17, 18)
        ]
        wanted[name] = files(tmp_path / name)
    assert wanted["a"] == wanted["b"] == wanted["c"]
    assert wanted["a"][f"out{suffix}.errors.jsonl"].count(b"not an image that OpenCV can read") == 3

    (tmp_path / "d").mkdir()
    out = tmp_path / "d" / f"out{suffix}"
    done(run(folder, out), folder, stop=7)
    assert set(files(tmp_path / "d")) == {f"out{suffix}.partial"}
    done(run(folder, out, resume=True), folder, stop=23)
    outcomes = done(run(folder, out, resume=True), folder)
    assert [outcome.resumed for outcome in outcomes] == [True] * 23 + [False] * (COUNT - 23)
    assert files(tmp_path / "d") == wanted["a"]
    assert run(folder, out, resume=True).prepare() is None


def start(folder: Path, out: Path, workers: int) -> subprocess.Popen[bytes]:
    options = ["-o", out, "-m", folder / "model.xml", "-nireq", str(workers), "--resume"]
    command = [sys.executable, "-m", "maskrle", "predict", folder / "images", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_killed_at_any_instant(folder: Path, tmp_path: Path, suffix: str) -> None:
    """SIGKILL at random instants: OUT is not there or whole, what was finished stays, the end is the same."""
    chance = random.Random(suffix)
    (tmp_path / "0").mkdir()
    done(run(folder, tmp_path / "0" / f"out{suffix}"), folder, stop=COUNT)
    full = size_of(tmp_path / "0" / f"out{suffix}.partial")
    (tmp_path / "0" / f"out{suffix}.partial").unlink()
    with start(folder, tmp_path / "0" / f"out{suffix}", 1) as process:
        assert process.wait() == 1
    wanted = files(tmp_path / "0")
    kills = rounds = 0
    sizes = set()
    while kills < KILLS / 3 or len(sizes) <= 5:  # in the midst of it, not always before or after
        rounds += 1
        directory = tmp_path / str(rounds)
        directory.mkdir()
        out, partial = directory / f"out{suffix}", directory / f"out{suffix}.partial"
        while True:
            before = partial.read_bytes() if partial.exists() else b""
            # Before the first new picture, after any of them, or while OUT is written.
            target = len(before) + chance.uniform(-0.2, 1.2) * (full - len(before))
            ending = target >= 0.95 * full
            with start(folder, out, chance.randint(1, 3)) as process:
                while process.poll() is None and size_of(partial) < min(target, 0.95 * full):
                    time.sleep(0.0005)
                time.sleep(chance.uniform(0, 1 if ending else 0.02))
                process.kill()
            if process.returncode != -signal.SIGKILL:
                assert process.returncode == 1  # for the three that are no pictures
                break
            kills += 1
            if out.exists():
                assert out.read_bytes() == wanted[out.name]
            if partial.exists():
                sizes.add(size_of(partial))
                assert partial.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
        assert files(directory) == wanted


def test_lines_are_there_as_the_run_goes_on(folder: Path, tmp_path: Path) -> None:
    whole, part = run(folder, tmp_path / "whole.jsonl"), run(folder, tmp_path / "part.jsonl")
    done(whole, folder)
    done(part, folder, stop=40)
    lines = part.partial.read_bytes().splitlines()[1:]
    finished = [line for line in lines if b'"error"' not in line]
    assert len(lines) == 40
    assert len(finished) == 37
    assert finished == whole.out.read_bytes().splitlines()[:37]


def test_a_strict_run_ends_at_the_first_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"005\.png: not an image"):
        done(run(folder, tmp_path / "out.json", strict=True), folder)
    assert set(files(tmp_path)) == {"out.json.partial"}
    outcomes = done(run(folder, tmp_path / "out.json", resume=True), folder)
    assert [outcome.resumed for outcome in outcomes].count(True) == 5


def test_another_run_is_not_taken_up(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done(run(folder, out), folder, stop=3)
    before = files(tmp_path)
    with pytest.raises(FileExistsError, match=r"out\.json\.partial: left by a run that was interrupted"):
        run(folder, out).prepare()
    with pytest.raises(ValueError, match="had max_detections None, this one has 3"):
        run(folder, out, resume=True, max_detections=3).prepare()
    other = Run(sources([str(folder / "images/001.png")]), out, {"threshold": 0.5}, resume=True)
    with pytest.raises(ValueError, match="had inputs '120, SHA-256"):
        other.prepare()
    assert files(tmp_path) == before


def test_a_finished_run_is_not_taken_for_another(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done(run(folder, out), folder)
    assert run(folder, out, resume=True).prepare() is None
    more = [str(folder / "images"), str(folder / "images/001.png")]
    with pytest.raises(ValueError, match=r"resume: .*out\.jsonl is of another run, which had inputs '120, "):
        Run(sources(more), out, {"threshold": 0.5}, resume=True).prepare()
    with pytest.raises(ValueError, match=r"which had threshold 0\.5 and not 0\.7; without resume, it is"):
        Run(sources(more[:1]), out, {"threshold": 0.7}, resume=True).prepare()
    (tmp_path / "out.jsonl.run.json").unlink()
    with pytest.raises(ValueError, match="is of another run, which had maskrle None"):
        run(folder, out, resume=True).prepare()


def test_errors_of_an_earlier_run_do_not_stay(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done(run(folder, out), folder)
    assert (tmp_path / "out.jsonl.errors.jsonl").exists()
    done(Run(sources([str(folder / "images/001.png")]), out, {}), folder)
    assert set(files(tmp_path)) == {"out.jsonl", "out.jsonl.run.json"}


def test_classes_and_most_detections(folder: Path, tmp_path: Path) -> None:
    found = Segmenter(folder / "model.xml")(picture(9))
    best = select(found, None, 3)
    assert best.scores.tolist() == found.scores[-3:].tolist()
    assert select(found, [int(found.labels[0])], None).labels.tolist() == [
        label for label in found.labels if label == found.labels[0]
    ]
    assert len(select(found, [int(found.labels[0])], 1)) == 1
    assert len(select(found, [99], 2)) == 0
    assert select(found, None, None) is found
    with pytest.raises(ValueError, match=r"classes: expected numbers or names .* got 'unicorn'"):
        done(run(folder, tmp_path / "out.json", classes=["3", "unicorn"]), folder)
    assert files(tmp_path) == {}
    outcomes = done(run(folder, tmp_path / "out.json", classes=["square", "3"]), folder)
    assert sum(outcome.detections for outcome in outcomes) > 0


def test_outputs_are_checked_before_any_work(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.json").mkdir()
    with pytest.raises(IsADirectoryError):
        run(folder, tmp_path / "out.json").prepare()
    for side in ("errors.jsonl", "images.json"):
        (tmp_path / f"other.json.{side}").mkdir()
        with pytest.raises(IsADirectoryError, match=side):
            run(folder, tmp_path / "other.json").prepare()
        (tmp_path / f"other.json.{side}").rmdir()
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ValueError, match=r"out: expected a file, and .*pipe"):
        run(folder, tmp_path / "pipe.json").prepare()
    with pytest.raises(FileNotFoundError):
        run(folder, tmp_path / "absent/out.json").prepare()
    with pytest.raises(ValueError, match="expected a file name ending in"):
        run(folder, tmp_path / "out.csv").prepare()
    with pytest.raises(ValueError, match="resume: a camera"):
        Run(sources(["0"]), tmp_path / "out.jsonl", {}, resume=True).prepare()
    with pytest.raises(ValueError, match="resume: an annotated video"):
        Run(sources(["a.mp4"]), tmp_path / "o.jsonl", {}, resume=True, overlays=tmp_path).prepare()


def test_overlays_of_a_resumed_run_have_the_same_names(folder: Path, tmp_path: Path) -> None:
    found = {}
    for name, stops in (("a", [None]), ("b", [11, None])):
        for stop in stops:
            options = {"overlays": tmp_path / name, "resume": stop is None and len(stops) > 1}
            done(run(folder, tmp_path / f"{name}.json", **options), folder, stop=stop)
        found[name] = files(tmp_path / name)
    assert found["a"] == found["b"]
    assert len(found["a"]) == COUNT - 3


def test_overlays_that_would_be_missing(folder: Path, tmp_path: Path) -> None:
    done(run(folder, tmp_path / "out.json"), folder, stop=3)
    with pytest.raises(ValueError, match=r"had overlays None, this one has '.*over'"):
        run(folder, tmp_path / "out.json", resume=True, overlays=tmp_path / "over").prepare()


def clip(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (SIZE[1], SIZE[0]))
    for _ in range(frames):
        writer.write(picture(3))
    writer.release()


@pytest.mark.parametrize("frames", [3, 9])
def test_a_video_of_another_length_is_not_taken_up(folder: Path, tmp_path: Path, frames: int) -> None:
    """Neither is the picture after it lost, nor is a frame."""

    def of_video(**options: Any) -> Run:
        given = [
            str(tmp_path / "clip.mp4"),
            *(str(folder / f"images/{number:03}.png") for number in range(3)),
        ]
        return Run(sources(given), tmp_path / "out.jsonl", {}, **options)

    clip(tmp_path / "clip.mp4", 6)
    done(of_video(), folder, stop=8)
    clip(tmp_path / "clip.mp4", frames)
    journal = (tmp_path / "out.jsonl.partial").read_bytes()
    with pytest.raises(ValueError, match=r"out\.jsonl\.partial is about other pictures, from .* on"):
        done(of_video(resume=True), folder)
    assert (tmp_path / "out.jsonl.partial").read_bytes() == journal
    clip(tmp_path / "clip.mp4", 6)
    assert len(done(of_video(resume=True), folder)) == 9


def test_a_name_of_several_classes_is_all_of_them(folder: Path, tmp_path: Path) -> None:
    segmenter = Segmenter(
        folder / "model.xml", labels={label: "thing" if label < 8 else "other" for label in range(1, 9)}
    )
    the_run = run(folder, tmp_path / "out.jsonl", classes=["thing"])
    journal = the_run.prepare()
    assert journal is not None
    with journal:
        list(the_run.outcomes(segmenter, journal))
    lines = [json.loads(line) for line in the_run.out.read_text().splitlines()]
    assert len({one["category_id"] for line in lines for one in line["detections"]}) > 1


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_a_report_changes_nothing_else_and_is_the_same_however_it_came_about(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    for name, options in {"plain": {}, "a": {"workers": 1}, "b": {"workers": 3}, "c": {}}.items():
        (tmp_path / name).mkdir()
        out = tmp_path / name / f"out{suffix}"
        if name != "plain":
            options = options | {"report": tmp_path / name / "report"}
        if name == "c":
            done(run(folder, out, **options), folder, stop=30)
            assert list((tmp_path / "c/report").iterdir()) == []  # the whole page or none
            options = options | {"resume": True}
        done(run(folder, out, **options), folder)
    found = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()}
        for name in ("plain", "a", "b", "c")
    }
    for written in found.values():
        del written[f"out{suffix}.run.json"]  # says where the report is
    assert found["plain"] == found["a"] == found["b"] == found["c"]
    pages = [(tmp_path / name / "report/index.html").read_bytes() for name in ("a", "b", "c")]
    assert len({without_throughput(page) for page in pages}) == 1
    page = read_page(tmp_path / "a/report/index.html")
    assert len(page.names) == COUNT - 3
    assert len(page.all("path")) == sum(
        min(number % 10, 9) for number in range(COUNT) if number not in (5, 17, 18)
    )
    assert "Errors (3)" in page.content
    assert "120 images in" in page.content
    assert "90 images in" in pages[2].decode()


def test_a_report_of_few_of_many_pictures_can_be_resumed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which pictures are shown does not depend on where a run was interrupted."""
    monkeypatch.setattr(report, "_MOST", 10)
    pages = []
    for name, stops in {"a": [], "b": [3, 25, 26, 90]}.items():
        options: dict[str, Any] = {"report": tmp_path / name}
        out = tmp_path / f"{name}.jsonl"
        for stop in [*stops, None]:
            done(run(folder, out, **options), folder, stop=stop)
            options["resume"] = True
        pages.append((tmp_path / name / "index.html").read_bytes().replace(f"{name}.jsonl".encode(), b""))
    assert without_throughput(pages[0]) == without_throughput(pages[1])
    names = read_page(tmp_path / "a/index.html").names
    assert [Path(name).stem for name in names] == [f"{number:03}" for number in range(0, COUNT, 16)]


def test_a_report_that_cannot_be_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was finished stays; the same command goes on from there."""
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="report: expected a folder, got the file"):
        run(folder, tmp_path / "out.json", report=tmp_path / "file").prepare()
    (tmp_path / "taken/index.html").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        run(folder, tmp_path / "out.json", report=tmp_path / "taken").prepare()
    out, options = tmp_path / "out.json", {"report": tmp_path / "report"}
    with monkeypatch.context() as full:
        full.setattr(report, "write_page", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
        with pytest.raises(OSError, match="no space left"):
            done(run(folder, out, **options), folder)
    assert list((tmp_path / "report").iterdir()) == []
    assert not out.exists()
    with pytest.raises(ValueError, match=r"had report .*, this one has None"):
        done(run(folder, out, resume=True), folder)
    done(run(folder, out, resume=True, **options), folder)
    assert out.exists()
    page = read_page(tmp_path / "report/index.html")
    assert len(page.names) == COUNT - 3
    assert "All images were finished by an earlier run." in page.content


def test_frames_in_a_report(folder: Path, tmp_path: Path) -> None:
    clip(tmp_path / "clip.mp4", 5)
    the_run = Run(
        sources([str(tmp_path / "clip.mp4")]), tmp_path / "out.json", {}, report=tmp_path / "report"
    )
    done(the_run, folder)
    names = read_page(tmp_path / "report/index.html").names
    assert [name.rpartition("/")[2] for name in names] == [f"clip.mp4, frame {number}" for number in range(5)]
