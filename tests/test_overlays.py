from __future__ import annotations

import os
import subprocess
import sys
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


def test_many_pictures_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that it takes grows with their number, not with its square."""
    asked = []
    real = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: asked.append(path) or real(path))
    names = FileNames(tmp_path, [tmp_path / "x-3.jpg"])
    taken = [names.take("x.jpg").name for _ in range(300)]
    assert taken == ["x.jpg", "x-2.jpg", *(f"x-{number}.jpg" for number in range(4, 302))]
    assert len(asked) < 4 * 300


def test_names_that_systems_do_not_take(tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    sources = [Still(tmp_path / "a\0b", problem="no name"), Still(tmp_path / "loop.png")]
    overlays = Overlays(tmp_path, sources)
    assert overlays.path(Item(1, "a", None, ValueError("no name"), sources[0])) is None
    paths = [overlays.path(still(name * 70 + ".png")) for name in ("long", "long", "é写")]
    for path in paths:
        assert path is not None
        write_picture(path, np.zeros((2, 2, 3), np.uint8))
    assert len({*paths}) == 3


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


def test_a_video_on_a_full_disk(tmp_path: Path) -> None:
    """OpenCV does not say so. A limit on the size of files stands in for it."""
    program = (
        "import resource, sys; from pathlib import Path; import numpy as np\n"
        "from test_overlays import Overlays, Video, frame\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))\n"
        "overlays, rng = Overlays(Path('.'), []), np.random.default_rng(0)\n"
        "for number in range(60):\n"
        "    item = frame(Video(Path('one.mp4')), number)\n"
        "    overlays.add(item, overlays.path(item), rng.integers(0, 255, (96, 128, 3)).astype(np.uint8))\n"
        "try:\n"
        "    overlays.close()\n"
        "finally:\n"
        "    overlays.discard()\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for limit, left in ((100_000, []), (100_000_000, ["one-overlay.mp4"])):
        command = [sys.executable, "-c", program, str(limit)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        full = "OSError: one-overlay.mp4: OpenCV could not write this video; the disk may be full"
        assert (full in done.stderr) == (left == [])
        assert [path.name for path in tmp_path.iterdir()] == left


def test_a_picture_too_long_for_a_jpeg(tmp_path: Path) -> None:
    write_picture(tmp_path / "long.jpg", np.zeros((3, 70_000, 3), np.uint8))
    assert cv2.imread(str(tmp_path / "long.jpg")).shape == (2, 65_500, 3)  # type: ignore[union-attr]


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
