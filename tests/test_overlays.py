from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskrle.overlays import FileNames, Overlays, write_picture
from maskrle.sources import Item, Still, Video


def still(path: str) -> Item:
    return Item(1, path, None, Path(path), Still(Path(path)))


def frame(source: Video, number: int) -> Item:
    return Item(1, "clip", number, np.zeros((48, 64, 3), np.uint8), source)


def test_no_two_names_are_alike_and_none_is_an_input(tmp_path: Path) -> None:
    overlays = Overlays(tmp_path, [Still(tmp_path / "b-overlay.jpg")])
    paths = [overlays.path(still(name)) for name in ("a/x.png", "b/x.png", "c/x.tif", "b.png")]
    assert [path and path.name for path in paths] == [
        "x-overlay.jpg", "x-overlay-2.jpg", "x-overlay-3.jpg", "b-overlay-2.jpg"
    ]  # fmt: skip


def test_frames_become_a_video(tmp_path: Path) -> None:
    overlays = Overlays(tmp_path / "new" / "out", [])
    for name, count in (("one.mp4", 3), ("two.mp4", 2)):
        source = Video(Path(name))
        for number in range(count):
            item = frame(source, number)
            overlays.add(item, overlays.path(item), np.full((48, 64, 3), 50 * number, np.uint8))
    overlays.close()
    assert sorted(path.name for path in (tmp_path / "new/out").iterdir()) == [
        "one-overlay.mp4",
        "two-overlay.mp4",
    ]
    capture = cv2.VideoCapture(str(tmp_path / "new/out/one-overlay.mp4"))
    frames = [capture.read() for _ in range(4)]
    assert [there for there, _ in frames] == [True, True, True, False]
    assert abs(float(frames[2][1].mean()) - 100) < 5


def test_a_video_that_is_not_finished_is_not_left(tmp_path: Path) -> None:
    overlays = Overlays(tmp_path, [])
    item = frame(Video(Path("one.mp4")), 0)
    overlays.add(item, overlays.path(item), np.zeros((48, 64, 3), np.uint8))
    overlays.discard()
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_picture(tmp_path / "absent/x.png", np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        Overlays(tmp_path / "file", [])
    overlays, item = Overlays(tmp_path, []), frame(Video(Path("one.mp4")), 0)
    with pytest.raises(OSError, match="cannot write"):
        overlays.add(item, tmp_path / "absent/one.mp4", np.zeros((48, 64, 3), np.uint8))


def test_names_are_taken_once(tmp_path: Path) -> None:
    names = FileNames(tmp_path, [])
    assert names.take("a.png") != names.take("a.png")
