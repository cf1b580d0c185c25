from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pages import Page, read_page, without_throughput
from samples import samples

from maskrle import Instances, encode
from maskrle.report import Facts, Report, report, thumbnail
from maskrle.report.page import text, write_page

FACTS = Facts("out.json", {"threshold": 0.5, "labels": None}, 10, 2.5, {"read": 1.0, "inference": 3.0})


def instances(
    count: int = 3, size: tuple[int, int] = (120, 160), names: dict[int, str] | None = None
) -> Instances:
    rows, columns = np.mgrid[:33, :33]
    disk = (np.hypot(columns - 16, rows - 16) < 14).astype(np.float32)
    corners = np.arange(count)[:, None] * [20.0, 15.0] - 10
    boxes = np.concatenate([corners, corners + 60], axis=1).astype(np.float32)
    rles = encode(np.repeat(disk[None], count, axis=0), boxes, size)
    scores = np.linspace(0.9, 0.4, count).astype(np.float32)
    return Instances(np.arange(count, dtype=np.int64) % 2 + 1, scores, boxes, rles, names)


def image(height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def record(name: str = "a.jpg", found: Instances | None = None, *, shown: bool = True) -> dict[str, Any]:
    found = instances() if found is None else found
    height, width = found.image_size
    return {
        "image_id": 1,
        "file_name": name,
        "height": height,
        "width": width,
        "count": len(found),
        "report": Report.part(found, image(height, width), shown=shown),
    }


def page(
    records: list[dict[str, Any]], step: int = 1, names: dict[int, str] | None = None, facts: Facts = FACTS
) -> Page:
    file = io.BytesIO()
    write_page(file, records, step, names or {}, facts)
    made = Page(file.getvalue())
    made.check_policy()
    return made


def test_what_is_on_a_page() -> None:
    made = page(
        [
            record(),
            record("b.jpg"),
            {"image_id": 3, "file_name": "c.jpg", "error": "no image"},
            record("d.jpg", instances(0)),
        ],
        names={1: "cat", 2: "dog"},
    )
    assert made.names == ["a.jpg", "b.jpg", "d.jpg"]
    assert [one for _, one in made.all("dd")] == ["4", "6", "2", "1"]
    boxes = made.all("input", type="checkbox")
    assert [has["value"] for has, _ in boxes] == ["k1", "k2"]
    assert "<bdi>cat</bdi> <b>4</b>" in made.content
    paths = made.all("path")
    assert [has["class"] for has, _ in paths] == ["k1", "k2", "k1"] * 2 or len(paths) == 6
    assert {has["data-s"] for has, _ in paths} == {"0.9000", "0.6500", "0.4000"}
    assert [has["min"] for has, _ in made.all("input", id="least")] == ["0.40"]
    assert "<bdi>c.jpg</bdi></td><td>no image</td>" in made.content
    assert "10 images in 2.5 s: 4.0 images/s." in made.content
    assert "<th scope=row>inference</th><td>3.00</td><td>300.00</td><td>75.0%</td>" in made.content
    assert "threshold</th><td><bdi>0.5" in made.content
    assert "labels" not in "".join(text for _, text in made.all("th"))


def test_pictures_are_there_themselves() -> None:
    made = page([record(found=instances(size=(480, 1600)))])
    ((has, _),) = made.all("img")
    pixels = cv2.imdecode(
        np.frombuffer(base64.b64decode(has["src"].partition(",")[2]), np.uint8), cv2.IMREAD_COLOR
    )
    assert pixels is not None
    assert pixels.shape == (120, 400, 3)
    assert (has["width"], has["height"]) == ("400", "120")
    assert made.all("svg")[0][0]["viewbox"] == "0 0 1600 480"


@pytest.mark.parametrize(
    "records", [[], [{"image_id": 1, "file_name": "a", "error": "b"}], [record(found=instances(0))]]
)
def test_pages_without_instances(records: list[dict[str, Any]]) -> None:
    made = page(records)
    assert made.all("path") == made.all("input", type="checkbox") == []
    assert ("No image could be segmented" in made.content) == all("error" in one for one in records)


HOSTILE = (
    "<script>alert(1)</script>", '" onload="alert(1)', "' onerror='x", "</title></style><b>", "a&amp;b",
    "<!--", "$out ${out} $", "line\nbreak\r\t", "\ud800 half", "nul\0", "\u202egpj.exe", "\\xff",
    "日本語 ünï", "]]>-->", "javascript:alert(1)",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    """Of files, classes, errors, settings and outputs: they are all shown, and nothing else happens."""
    plain = page(
        [record("x"), {"image_id": 2, "file_name": "x", "error": "x"}],
        names={1: "x", 2: "x"},
        facts=FACTS._replace(out="x", settings={"x": "x"}),
    )
    made = page(
        [record(name), {"image_id": 2, "file_name": name, "error": name}],
        names={1: name, 2: name},
        facts=FACTS._replace(out=name, settings={name: name}),
    )
    assert [(tag, list(has)) for tag, has, _ in made.elements] == [
        (tag, list(has)) for tag, has, _ in plain.elements
    ]
    assert made.names == [text(name, 200)]
    assert all(one.isprintable() for one in text(name, 200))


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_is_shown_and_nothing_more(words: str) -> None:
    """As it is where it can be, and as escapes where it cannot."""
    made = page([record(words)], names={1: words})
    (shown,) = {body.removesuffix(" 0.90") for has, body in made.all("title") if body.endswith(" 0.90")}
    expected = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in words)
    assert shown == expected or shown.split() == expected.split()
    assert "\n" not in text(words, 200)


def test_long_names_are_cut() -> None:
    made = page([record("x" * 100_000)], names={1: "y" * 100_000, 2: "&" * 100_000})
    assert len(made.content) < 100_000
    assert text("x" * 201, 200) == "x" * 199 + "…"


def area_of(path: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A path drawn, 4 units a pixel: [4 h, 4 w]."""
    canvas = np.zeros((4 * size[1], 4 * size[0]), np.uint8)
    polygons = []
    for part in path.split("M")[1:]:
        start, _, lines = part.removesuffix("z").partition("l")
        points = [np.array([int(one) for one in start.split()])]
        for pair in lines.split():
            across, down = json.loads(f"[{pair.replace('+', ',').replace('-', ',-').removeprefix(',')}]")
            points.append(points[-1] + [across, down])
        polygons.append(np.array(points, np.int32))
    cv2.fillPoly(canvas, polygons, 1)
    return canvas


def test_paths_cover_what_masks_do() -> None:
    checked = 0
    for sample in samples(1500, seed=11):
        height, width = sample.image_size
        rles = encode(sample.mask[None], sample.box[None], sample.image_size, threshold=sample.threshold)
        found = Instances(np.array([1]), np.ones(1, np.float32), sample.box[None], rles)
        part = thumbnail.thumbnail(found, np.zeros((height, width, 3), np.uint8))
        ((_, _, _, path),) = part["instances"]
        mask = rles.to_masks()[0]
        assert (path == "") == (not mask.any())
        if sample.kind in ("blob", "on", "soft") and mask.sum() > 150:
            drawn = area_of(path, part["size"])
            large = cv2.resize(mask, drawn.shape[::-1], interpolation=cv2.INTER_NEAREST)
            # The path goes through the middles of the rim's pixels, where the page draws a line of two.
            grown = cv2.dilate(drawn, np.ones((9, 9), np.uint8))
            shrunk = cv2.erode(drawn, np.ones((9, 9), np.uint8))
            assert (large <= grown).mean() > 0.999
            assert (shrunk <= large).mean() > 0.999
            checked += 1
    assert checked > 20


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3000, 4000)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    part = thumbnail.thumbnail(instances(2, size), np.zeros((*size, 3), np.uint8))
    assert max(part["size"]) <= 400
    assert min(part["size"]) >= 1
    assert len(part["instances"]) == 2


def test_noise_makes_no_long_path() -> None:
    """A mask of single pixels in a large picture: what is smaller than a thumbnail's pixel is left out."""
    masks = np.random.default_rng(0).random((1, 138, 138), dtype=np.float32)
    rles = encode(masks, np.array([[0, 0, 4000, 4000]], np.float32), (4000, 4000))
    found = Instances(np.array([1]), np.ones(1, np.float32), np.zeros((1, 4), np.float32), rles)
    ((_, _, _, path),) = thumbnail.thumbnail(found, np.zeros((4000, 4000, 3), np.uint8))["instances"]
    assert 0 < len(path) < 300_000


def fake(count: int, size: int) -> list[dict[str, Any]]:
    part = {
        "labels": [[1, 2]],
        "scores": [0.5, 0.9],
        "pixels": "A" * size,
        "size": [4, 3],
        "instances": [[1, 0.5, None, "M0 0z"]],
    }
    return [
        {"image_id": at, "file_name": f"{at}", "height": 3, "width": 4, "count": 2, "report": dict(part)}
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "size", "step"),
    [(10, 100, 1), (1, 100_000, 1), (100, 18_000, 2), (1000, 18_000, 32), (5000, 10, 64)],
)
def test_a_page_has_a_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, size: int, step: int
) -> None:
    """A million bytes here: so many pictures are shown as have room, all of them are counted."""
    monkeypatch.setattr(report, "_ROOM", 1_000_000)
    monkeypatch.setattr(report, "_MOST", 100)
    records = fake(count, size)
    made = Report(tmp_path)
    for position, one in enumerate(records):
        if not made.wants(position):
            for name in ("pixels", "size", "instances"):
                del one["report"][name]
        made.add(one)
    made.write(records, {}, FACTS)
    seen = read_page(tmp_path / "index.html")
    assert seen.names == [str(at) for at in range(0, count, step)]
    assert [one for _, one in seen.all("dd")][:2] == [f"{count:,}", f"{2 * count:,}"]
    assert len(seen.content) < 1_000_000 + 20_000
    assert (f"Every {step}" in seen.content) == (step > 1)


def test_many_errors_are_cut(tmp_path: Path) -> None:
    made = page([{"image_id": at, "file_name": f"{at}.jpg", "error": "bad"} for at in range(1200)])
    assert "Errors (1,200)" in made.content
    assert "and 200 more" in made.content
    assert made.content.count("<td>bad</td>") == 1000


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    made = Report(tmp_path)
    (tmp_path / "index.html").write_text("before")
    with pytest.raises(KeyError):
        made.write([record(), {"image_id": 1, "file_name": "a", "report": {"labels": []}}], {}, FACTS)
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]
    assert (tmp_path / "index.html").read_text() == "before"
    (tmp_path / ".index.html.0123.tmp").touch()  # of a run that was killed
    Report(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_the_same_records_make_the_same_page() -> None:
    records = [record(), record("b")]
    later = FACTS._replace(pictures=1, seconds=7.0, stages={"read": 0.1})
    first, second = (page(records, facts=facts).content.encode() for facts in (FACTS, later))
    assert first != second
    assert without_throughput(first) == without_throughput(second)
