from __future__ import annotations

import codecs
import glob
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskrle.sources import Camera, Still, Video, items, printable, sources


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(found: Sequence[Any], root: Path) -> list[str]:
    return [os.fsdecode(os.path.relpath(source.path, root)) for source in found]


@pytest.fixture
def annotations(tmp_path: Path) -> Any:
    def write(images: Any) -> str:
        path = tmp_path / "annotations.json"
        path.write_text(json.dumps({"images": images} if isinstance(images, list) else images))
        return str(path)

    return write


def test_folders_are_searched_in_the_order_of_names(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.png", "b/1.JPG", "a/x.jpeg", "c.bmp", "b/notes.txt", "b/d/e/deep.webp", "clip.mp4")
    assert names(sources([str(tmp_path)]), tmp_path) == [
        "c.bmp",
        "a/x.jpeg",
        "b/1.JPG",
        "b/2.png",
        "b/d/e/deep.webp",
    ]


def test_links_that_go_round_in_circles_end(tmp_path: Path) -> None:
    tree(tmp_path / "in", "a.png", "sub/b.png")
    tree(tmp_path / "outside", "c.png")
    (tmp_path / "in/sub/up").symlink_to(tmp_path / "in")
    (tmp_path / "in/sub/self").symlink_to(".")
    (tmp_path / "in/x").symlink_to(tmp_path / "outside")
    (tmp_path / "in/y").symlink_to(tmp_path / "outside")
    (tmp_path / "in/broken.png").symlink_to("nowhere")
    found = names(sources([str(tmp_path / "in")]), tmp_path / "in")
    assert found == ["a.png", "broken.png", "sub/b.png", "x/c.png"]


def test_patterns(tmp_path: Path) -> None:
    tree(tmp_path, "a1.png", "a2.png", "b.png", "d/a3.png", "a[1].png")
    assert names(sources([f"{tmp_path}/a*.png"]), tmp_path) == ["a1.png", "a2.png", "a[1].png"]
    assert names(sources([f"{tmp_path}/**/a3.png"]), tmp_path) == ["d/a3.png"]
    assert names(sources([f"{tmp_path}/a[1].png"]), tmp_path) == ["a[1].png"]  # it exists


@pytest.mark.parametrize(
    "pattern",
    ["**/*.png", "**", "sub/**", "./**/b.png", "**/sub/*", "s*/**/*.png", "**/**/?.png", "**b/*", "a**"],
)
@pytest.mark.parametrize("absolute", [True, False])
def test_patterns_are_those_of_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, absolute: bool
) -> None:
    tree(
        tmp_path,
        "a.png",
        "sub/b.png",
        "sub/deep/b.png",
        "sub/deep/sub/c.png",
        ".hidden/d.png",
        "sub/.e.png",
        "[x]/b.png",
    )
    monkeypatch.chdir(tmp_path)
    pattern = f"{glob.escape(str(tmp_path))}/{pattern}" if absolute else pattern
    wanted = sorted({Path(name) for name in glob.glob(pattern, recursive=True) if os.path.isfile(name)})
    if wanted:
        assert sorted(source.path for source in sources([pattern])) == wanted  # type: ignore[union-attr]
    else:
        with pytest.raises(ValueError, match="no files match"):
            sources([pattern])


@pytest.mark.timeout(60)
def test_patterns_end_where_links_go_round_in_circles(tmp_path: Path) -> None:
    tree(tmp_path, "in/a.png", "in/sub/b.png")
    for number in range(3):
        (tmp_path / f"in/sub/up{number}").symlink_to("..")
    found = sources([f"{tmp_path}/**/*.png"])
    assert names(found, tmp_path) == ["in/a.png", "in/sub/b.png"]


def test_overlays_are_not_found(tmp_path: Path) -> None:
    tree(tmp_path, "a.png", "over/a-overlay.jpg", "over/deep/b.png", "overt/c.png")
    (tmp_path / "link").symlink_to("over")
    for overlays in (tmp_path / "over", tmp_path / "link", tmp_path / "overt/../over"):
        for given in (str(tmp_path), f"{tmp_path}/**/*.*"):
            assert names(sources([given], None, overlays), tmp_path) == ["a.png", "overt/c.png"]
    named = [str(tmp_path / "over/deep/b.png")]
    assert sources(named, None, tmp_path / "over") == sources(named)
    with pytest.raises(ValueError, match="no images in the folder"):
        sources([str(tmp_path)], None, tmp_path)


def test_the_same_file_twice_is_two_pictures(tmp_path: Path) -> None:
    path = str(tree(tmp_path, "a.png") / "a.png")
    assert [item.image_id for item in items(sources([path, path, str(tmp_path)]))] == [1, 2, 3]


@pytest.mark.parametrize("name", [b"with space.png", b"line\nbreak.png", b"caf\xe9.png", "写真.png".encode()])
def test_file_names_of_any_bytes(tmp_path: Path, name: bytes) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(cv2.imencode(".png", np.zeros((2, 3, 3), np.uint8))[1].tobytes())
    for given in (os.fsdecode(path), str(tmp_path)):
        (item,) = items(sources([given]))
        assert isinstance(item.image, Path)
        assert os.fsencode(item.image) == path
        item.name.encode("utf-8")
        json.dumps(item.name)
    assert printable(b"caf\xe9.png") == r"caf\xe9.png"
    assert printable("写真") == "写真"


def test_lists_of_paths(tmp_path: Path) -> None:
    tree(tmp_path / "pictures", "a.png", "b c.png")
    text = b"a.png\r\n\n  \nb c.png\nabsent.png\ncaf\xe9.png\n" + bytes(tmp_path / "x.mp4")
    (tmp_path / "pictures/list.txt").write_bytes(text)
    found = sources([str(tmp_path / "pictures/list.txt")])
    assert names(found, tmp_path / "pictures") == [
        "a.png",
        "b c.png",
        "absent.png",
        "caf\udce9.png",
        "../x.mp4",
    ]
    (tmp_path / "pictures/list.txt").write_bytes(codecs.BOM_UTF8 + text)  # as some editors begin files
    assert sources([str(tmp_path / "pictures/list.txt")]) == found
    assert isinstance(found[-1], Video)
    assert names(sources([str(tmp_path / "pictures/list.txt")], Path("/else"))[:1], Path("/else")) == [
        "a.png"
    ]
    (tmp_path / "pictures/list.txt").write_bytes("a.png\n".encode("utf-16"))
    with pytest.raises(ValueError, match=r"list\.txt is no list of paths in UTF-8"):
        sources([str(tmp_path / "pictures/list.txt")])


def test_annotations_give_ids_and_names(tmp_path: Path, annotations: Any) -> None:
    given = annotations([{"id": 139, "file_name": "a.png"}, {"id": 7, "file_name": "sub/b.png"}])
    tree(tmp_path, "a.png")
    found = list(items(sources([given])))
    assert [(item.image_id, item.name, item.image) for item in found] == [
        (139, "a.png", tmp_path / "a.png"),
        (7, "sub/b.png", tmp_path / "sub/b.png"),
    ]
    (first, _) = items(sources([given], tmp_path / "val2017"))
    assert first.image == tmp_path / "val2017/a.png"


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "a/../../x.png", ".."])
def test_annotations_do_not_lead_out_of_their_folder(annotations: Any, name: str) -> None:
    (item,) = items(sources([annotations([{"id": 1, "file_name": name}])]))
    assert isinstance(item.image, ValueError)
    assert "leaves the folder" in str(item.image)
    (fine,) = items(sources([annotations([{"id": 1, "file_name": "a/../b.png"}])]))
    assert fine.image == Path(fine.source.path)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["a\0b", "\ud800.png", "../\udfff"])
def test_annotations_with_names_that_no_file_has(annotations: Any, name: str) -> None:
    (item,) = items(sources([annotations([{"id": 1, "file_name": name}])]))
    assert str(item.image) == f"{item.name}: not the name of a file"
    item.name.encode("utf-8")


def test_names_that_are_too_long_are_errors_of_their_pictures(annotations: Any, tmp_path: Path) -> None:
    """The one after them is there."""
    long = "x" * 300
    (tmp_path / "list.txt").write_text(f"{long}.png\n{long}.mp4\nlist.txt")
    listed = [{"id": 1, "file_name": f"{long}.png"}, {"id": 2, "file_name": "list.txt"}]
    assert [item.name for item in items(sources([annotations(listed)]))] == [f"{long}.png", "list.txt"]
    found = list(items(sources([str(tmp_path / "list.txt"), f"{long}.png"])))
    assert [type(item.image) for item in found] == [
        type(tmp_path),
        ValueError,
        type(tmp_path),
        type(tmp_path),
    ]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "no images"),
        (
            [{"id": 1}],
            r"images\[0\] of .*: expected an integer id of 64 bits and a file_name, got id 1 and file_name N",
        ),
        ([{"id": "1", "file_name": "a"}], "got id '1'"),
        ([{"id": True, "file_name": "a"}], "got id True"),
        ([{"id": 2**63, "file_name": "a"}], "an integer id of 64 bits .* got id 9223372036854775808"),
        ([3], "got id None"),
        ([{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}], "several images of the same id"),
        ({"images": {}}, "no COCO annotations file: it has no list of images"),
        (3, "no COCO annotations file"),
    ],
)
def test_annotations_are_checked(annotations: Any, images: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources([annotations(images)])


def test_inputs_are_checked(tmp_path: Path, annotations: Any) -> None:
    with pytest.raises(ValueError, match="no images in the folder"):
        sources([str(tmp_path)])
    with pytest.raises(ValueError, match="no files match"):
        sources([f"{tmp_path}/*.png"])
    (tmp_path / "list.txt").write_text("\n\n")
    with pytest.raises(ValueError, match="no paths in"):
        sources([str(tmp_path / "list.txt")])
    with pytest.raises(ValueError, match="cannot be combined"):
        sources([annotations([{"id": 1, "file_name": "a"}]), "b.png"])
    for content in ("{", "[" * 100_000, '{"a":' * 100_000, "\0", "1" * 5000, '{"images": "\xe9"}'):
        (tmp_path / "broken.json").write_bytes(content.encode("latin-1"))
        with pytest.raises(ValueError, match="is not JSON"):
            sources([str(tmp_path / "broken.json")])
    with pytest.raises(FileNotFoundError):
        sources([str(tmp_path / "absent.json")])


def test_what_may_never_end_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    os.mkfifo(tmp_path / "pipe.mp4")
    for given in (str(tmp_path / "pipe.png"), str(tmp_path), "/dev/zero", str(tmp_path / "pipe.mp4")):
        (item,) = items(sources([given]))
        assert "not a file" in str(item.image)


def test_videos_give_frames(tmp_path: Path) -> None:
    path = tmp_path / "a clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for value in range(0, 250, 50):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    (tmp_path / "still.png").touch()
    found = list(items(sources([str(path), str(tmp_path / "still.png")])))
    assert [item.frame for item in found] == [0, 1, 2, 3, 4, None]
    assert [item.image_id for item in found] == [1, 2, 3, 4, 5, 6]
    for item, value in zip(found, range(0, 250, 50), strict=False):
        assert isinstance(item.image, np.ndarray)
        assert abs(int(item.image.mean()) - value) < 5


def test_videos_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    reasons = [
        str(item.image)
        for item in items(sources([str(tmp_path / "empty.mp4"), str(tmp_path / "absent.avi")]))
    ]
    assert "nothing that OpenCV can read" in reasons[0]
    assert "absent.avi: No such file" in reasons[1]


@pytest.mark.parametrize("number", ["77", "99999999999"])
def test_cameras_that_are_not_there(number: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (item,) = items(sources([number]))
    assert str(item.image) == f"camera {number}: nothing that OpenCV can read frames of"


class FakeCamera:
    """OpenCV's interface to a camera."""

    def __init__(self, number: int) -> None:
        self.number, self.frames, self.released = number, 0, False

    def read(self) -> tuple[bool, Any]:
        self.frames += 1
        return True, np.full((4, 4, 3), self.frames, np.uint8)

    def release(self) -> None:
        self.released = True


def test_a_camera_gives_frames_until_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    opened: list[FakeCamera] = []

    def capture(number: int) -> FakeCamera:
        opened.append(FakeCamera(number))
        return opened[-1]

    monkeypatch.setattr(cv2, "VideoCapture", capture)
    (camera,) = sources(["2"])
    assert isinstance(camera, Camera)
    frames = items([camera])
    assert [next(frames).frame for _ in range(3)] == [0, 1, 2]
    camera.ended.set()
    assert list(frames) == []
    assert (opened[0].number, opened[0].released) == (2, True)
    tree(tmp_path, "2")
    assert sources(["2"]) == [Still(Path("2"))]  # a file of that name
