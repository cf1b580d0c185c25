from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import graphs
import numpy as np
import openvino as ov
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from test_predict import done, files

from maskrle import Instances, encode
from maskrle.cli import main
from maskrle.coco import coco_boxes
from maskrle.predict import Run
from maskrle.sources import Item, Video, sources
from maskrle.track import Tracks, check_tracking

SIZE = (48, 64)
CLIP = Video(Path("clip.mp4"))


def item(frame: int | None) -> Item:
    return Item(1, "clip.mp4", frame, np.zeros((*SIZE, 3), np.uint8), CLIP)


def moved(frame: int) -> Instances:
    """An object that goes right, one that goes left, and one with a low score; in another order each time."""
    boxes = np.array([[2, 5, 18, 15], [40, 30, 58, 42], [25, 2, 35, 12]], np.float32)
    boxes[:, [0, 2]] += np.array([[2], [-2], [0]]) * np.float32(frame)
    rles = encode(np.ones((3, 3, 3), np.float32), boxes, SIZE)
    scores = np.array([0.9, 0.8, 0.55], np.float32)
    return Instances(np.arange(3), scores, boxes, rles)[np.roll(np.arange(3), frame)]


def followed(tracks: Tracks, frames: range) -> list[dict[int, int]]:
    """Label -> track of each frame."""
    found = [tracks.follow(item(frame), moved(frame)) for frame in frames]
    return [dict(zip(one.labels.tolist(), one.tracks.tolist(), strict=True)) for one in found]


def test_objects_keep_their_numbers() -> None:
    first, *others = followed(Tracks(), range(8))
    assert first == {0: -1, 1: -1, 2: -1}  # an object is one when it is seen again
    assert others == [others[0]] * 7
    assert others[0][0] != others[0][1]
    assert min(others[0][0], others[0][1]) >= 0
    assert others[0][2] == -1


def test_each_video_begins_anew() -> None:
    tracks = Tracks()
    assert followed(tracks, range(5)) == followed(tracks, range(5))
    assert tracks.follow(item(None), None) is None


def test_a_frame_that_failed_does_not_end_a_track() -> None:
    tracks = Tracks()
    before = followed(tracks, range(3))
    assert tracks.follow(item(3), None) is None
    assert followed(tracks, range(4, 6)) == [before[-1]] * 2


def test_frames_of_an_earlier_run() -> None:
    whole, resumed = Tracks(), Tracks()
    wanted = followed(whole, range(6))
    for frame in range(3):
        resumed.resume(item(frame), (coco_boxes(moved(frame).boxes), moved(frame).scores))
    assert followed(resumed, range(3, 6)) == wanted[3:]


def test_what_cannot_be_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    check_tracking(sources(["clip.mp4", "0"]))
    with pytest.raises(ValueError, match=r"track: expected videos or cameras, got the picture a\.png"):
        check_tracking(sources(["clip.mp4", "a.png"]))
    monkeypatch.setitem(sys.modules, "trackers", None)
    with pytest.raises(ImportError, match=r"track: .*trackers.* pip install 'maskrle\[track\]'"):
        check_tracking(sources(["clip.mp4"]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose one box follows a picture's colour, and two videos."""
    root = tmp_path_factory.mktemp("videos")
    ov.save_model(graphs.echo(SIZE), root / "model.xml", compress_to_fp16=False)
    (root / "images").mkdir()
    for name, step in (("a", 3), ("b", -3)):
        clip(root / f"images/{name}.avi", [(60 + step * frame, 0, 200) for frame in range(12)])
    return root


def clip(path: Path, colours: list[tuple[int, int, int]]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (SIZE[1], SIZE[0]))
    for colour in colours:
        writer.write(pixels(colour))
    writer.release()


def pixels(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((*SIZE, 3), colour, np.uint8)


def run(folder: Path, out: Path, **options: Any) -> Run:
    return Run(sources([str(folder / f"images/{name}.avi") for name in "ab"]), out, {}, track=True, **options)


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_the_same_tracks_whatever_the_workers_and_interruptions(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    wanted = {}
    for name, workers in (("a", 1), ("b", 5)):
        (tmp_path / name).mkdir()
        done(run(folder, tmp_path / name / f"out{suffix}", workers=workers), folder)
        wanted[name] = files(tmp_path / name)
    assert wanted["a"] == wanted["b"]
    out = tmp_path / f"out{suffix}"
    for stop in (5, 13, 19):
        done(run(folder, out, resume=stop > 5), folder, stop=stop)
    done(run(folder, out, resume=True), folder)
    assert out.read_bytes() == wanted["a"][out.name]
    assert tracks_in(out) == [None, *[0] * 11] * 2


def tracks_in(path: Path) -> list[int | None]:
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path)["track_id"].to_pylist()  # type: ignore[no-any-return]
    if path.suffix == ".json":
        return [one["track_id"] for one in json.loads(path.read_text())]
    lines = map(json.loads, path.read_text().splitlines())
    return [one["track_id"] for line in lines for one in line["detections"]]


def test_on_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    cv2.imwrite("still.png", pixels((60, 0, 200)))
    args = ["predict", "-m", "model.xml", "-o", "out.json", "--track"]
    assert main([*args, "still.png"]) == 1
    assert capsys.readouterr().err == (
        "maskrle: error: track: expected videos or cameras, got the picture still.png\n"
    )
    assert main([*args, "images/a.avi"]) == 0
    assert tracks_in(Path("out.json")) == [None, *[0] * 11]
    assert main([*args[:-1], "images/a.avi"]) == 0
    assert "track_id" not in Path("out.json").read_text()
