"""The documents' figures are those of the committed report, and `benchmarks/readme.py` wrote them."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from scripts import script

ROOT = Path(__file__).parent.parent


readme = script("benchmarks/readme.py")


@pytest.fixture
def report() -> dict[str, Any]:
    return json.loads(readme.RESULTS.read_text())  # type: ignore[no-any-return]


def test_documents_have_the_reports_figures(report: dict[str, Any]) -> None:
    for path, text in readme.documents(report).items():
        assert path.read_text() == text, f"{path.name}: run benchmarks/readme.py"


def test_other_figures_make_other_documents(report: dict[str, Any]) -> None:
    changed = copy.deepcopy(report)
    cell = next(one for one in changed["speed"] if one["count"] == 100 and one["size"] == "480x640")
    row = next(row for row in cell["rows"] if row["name"].startswith("maskrle"))
    row["per_mask"]["median"] = 1.87
    text = readme.documents(changed)[ROOT / "README.md"]
    assert re.search(r"^\| \*\*maskrle\*\* \| 1\.87 \| ", text, re.MULTILINE)
    assert changed["machine"]["date"][:10] in text


def test_what_is_absent_is_said_to_be(report: dict[str, Any]) -> None:
    for cell in report["speed"]:
        row = next(row for row in cell["rows"] if row["name"] == "numba")
        row.update(absent="numba not installed", per_mask=None, over_floor=None, against_maskrle=None)
    text = readme.documents(report)[ROOT / "README.md"]
    assert text.count("absent: numba not installed") == 3


def test_the_text_around_stays(report: dict[str, Any]) -> None:
    for path, text in readme.documents(report).items():
        outside = re.compile(r"<!-- figures: (\w+), .*?<!-- figures: end of \1 -->", re.DOTALL)
        assert outside.sub("", path.read_text()) == outside.sub("", text)


def test_markers_are_needed() -> None:
    with pytest.raises(ValueError, match="markers of speed once, found them 0 times"):
        readme.placed("no markers", "speed", "text")


def test_pictures_are_there(report: dict[str, Any]) -> None:
    for path, text in readme.documents(report).items():
        pictures = re.findall(r'(?:src|srcset)="([^"]+)"', text)
        assert pictures
        for name in pictures:
            assert (path.parent / name).is_file(), name
