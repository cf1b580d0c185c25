from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from maskrle.files import replacing


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_it_is_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def interrupted() -> None:
        with replacing(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_say_which_file_it_was(tmp_path: Path) -> None:
    def full(error: OSError) -> None:
        with replacing(tmp_path / "file"):
            raise error

    with pytest.raises(OSError, match=r"No space left on device: '.*file'"):
        full(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    with pytest.raises(OSError, match=r"^its own words$"):
        full(OSError("its own words"))
    with pytest.raises(FileNotFoundError, match="other"):
        full(FileNotFoundError(errno.ENOENT, "None", "other"))
    with pytest.raises(FileNotFoundError, match=r"absent/file'$"), replacing(tmp_path / "absent/file"):
        pass


def test_where_a_link_leads_to(tmp_path: Path) -> None:
    for name in ("there", "not yet there"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(name)
        with replacing(tmp_path / "link") as file:
            file.write(b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / name).read_bytes() == b"new"
