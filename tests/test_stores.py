from __future__ import annotations

from pathlib import Path

import pytest

from maskrle.sources import Still, sources
from maskrle.stores import is_url, listed, opened, read, shown

NAMES = ["b.png", "a.JPG", "notes.txt", "a/z.png", "a/b/1.png", "é/2.png", "a!/3.png", "c.jpg/4.png", "Z.tif"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_a_folder_has_the_order_of_one_of_this_machine(folder: Path, scheme: str) -> None:
    """`file` is pyarrow's, `local` one of those that only fsspec knows."""
    url = f"{scheme}://{folder}"
    found = listed(url)
    walked = [source for source in sources([str(folder)]) if isinstance(source, Still)]
    assert len(found) == len(NAMES) - 1
    assert [path for _, path in found] == [str(still.path) for still in walked]
    assert [name for name, _ in found] == [f"{url}{str(still.path)[len(str(folder)) :]}" for still in walked]
    assert listed(url + "/") == found
    files = opened(url).files
    assert [read(files, path).decode() for _, path in found] == [
        str(still.path.relative_to(folder)) for still in walked
    ]


def test_other_things(folder: Path) -> None:
    assert listed(f"file://{folder}/Z.tif") == [(f"file://{folder}/Z.tif", f"{folder}/Z.tif")]
    assert listed(f"file://{folder}/absent") == [(f"file://{folder}/absent", f"{folder}/absent")]
    for name in ("notes.txt", "a.json", "clip.MP4"):
        with pytest.raises(
            ValueError, match=rf"expected the URL of a picture or folder, got file:.*/{name}$"
        ):
            listed(f"file://{folder}/{name}?key=secret")
    assert [shown(one) for one in ("s3://key:secret@a/b", "a/b/")] == ["s3://a/b", "a/b/"]
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match=r"input: no images in the folder file://.*/empty"):
        listed(f"file://{folder}/empty")
    with pytest.raises(FileNotFoundError):
        read(opened(f"file://{folder}").files, f"{folder}/absent")
    with pytest.raises(ValueError, match="nothing"):
        opened("nothing://here")
    assert listed(f"file://{folder}/Z.tif?key=secret")[0][0] == f"file://{folder}/Z.tif"
    assert opened(str(folder)).path == str(folder)
    assert [is_url(one) for one in ("s3://a/b", "a/b", "/a:b", "C:/x")] == [True, False, False, False]
