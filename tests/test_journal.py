from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from maskrle.journal import Journal

RUN = {"threshold": 0.5, "inputs": "3 images"}
RECORDS: list[dict[str, Any]] = [{"image_id": 1}, {"image_id": 2, "name": "é\n\udcff"}, {"image_id": 3}]


def written(path: Path, records: list[dict[str, Any]]) -> bytes:
    with Journal(path, RUN, resume=False) as journal:
        for record in records:
            journal.append(record)
    return path.read_bytes() if path.exists() else b""


def test_records_come_back(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    content = written(path, RECORDS[:2])
    assert content.count(b"\n") == 3
    with Journal(path, RUN, resume=True) as journal:
        assert journal.count == 2
        journal.append(RECORDS[2])
        assert list(journal) == list(journal) == RECORDS
    assert path.read_bytes().startswith(content)


def test_a_journal_cut_anywhere_is_taken_up(tmp_path: Path) -> None:
    """Whatever part of it a killed process wrote, whole records stay."""
    path = tmp_path / "partial"
    whole = written(path, RECORDS)
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        with Journal(path, RUN, resume=True) as journal:
            assert journal.count == max(whole[:length].count(b"\n") - 1, 0)
            assert list(journal) == RECORDS[: journal.count]
            for record in RECORDS[journal.count :]:
                journal.append(record)
        assert path.read_bytes() == whole


def test_garbage_at_the_end_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    content = written(path, RECORDS[:2])
    for garbage in (b"\0" * 5000, b"\0\0\n", b"[]\n", b'{"image_id": 9\n'):
        path.write_bytes(content + garbage)
        with Journal(path, RUN, resume=True) as journal:
            assert list(journal) == RECORDS[:2]
        assert path.read_bytes() == content


def test_an_empty_journal_is_not_left(tmp_path: Path) -> None:
    assert written(tmp_path / "partial", []) == b""
    with pytest.raises(KeyError), Journal(tmp_path / "partial", RUN, resume=True):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_removed_journal_is_gone(tmp_path: Path) -> None:
    with Journal(tmp_path / "partial", RUN, resume=False) as journal:
        journal.append(RECORDS[0])
        journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    content = written(path, RECORDS)
    with pytest.raises(FileExistsError):
        Journal(path, RUN, resume=False)
    with pytest.raises(ValueError, match=r"partial: .* had threshold 0\.5, this one has 0\.6; repeat"):
        Journal(path, RUN | {"threshold": 0.6}, resume=True)
    with pytest.raises(ValueError, match=r"had inputs '3 images', this one has None"):
        Journal(path, {"threshold": 0.5}, resume=True)
    assert path.read_bytes() == content
    for other in (b"no journal", b"{}\n", b"[]\n", b'{"run": 3}\n', b"\0"):
        path.write_bytes(other)
        with pytest.raises(ValueError, match="not the journal of a run"):
            Journal(path, RUN, resume=True)
        assert path.read_bytes() == other


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    with Journal(path, RUN, resume=False) as journal:
        journal.append(RECORDS[0])
        with pytest.raises(ValueError, match="another run is writing it"):
            Journal(path, RUN, resume=True)
        journal.append(RECORDS[1])
    with Journal(path, RUN, resume=True) as journal:
        assert journal.count == 2


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk's: a write takes a part, the next one fails."""
    program = (
        "import resource, sys; from pathlib import Path; from maskrle.journal import Journal\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with Journal(Path('partial'), {}, resume=False) as journal:\n"
        "    for number in range(100): journal.append({'number': number})\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "File too large" in done.stderr
    content = (tmp_path / "partial").read_bytes()
    assert content.endswith(b"}\n")
    with Journal(tmp_path / "partial", {}, resume=True) as journal:
        assert list(journal) == [{"number": number} for number in range(journal.count)]
        assert journal.count > 40
