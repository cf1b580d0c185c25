"""A report in a real browser: `make test-browser`. Not found by pytest itself, as it needs Chromium.

CHROMIUM names the program where it is none of those that are looked for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from maskrle import shapes
from maskrle.cli import main

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOSTILE = "<img src=x onerror=document.title='broken'>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the embedded network over scenes, one blank and one broken picture, with hostile names."""
    root = tmp_path_factory.mktemp("report")
    (root / "images").mkdir()
    names = ["a.jpg", "b.jpg", "c.jpg", f"{HOSTILE}.jpg", "d\n\u202ee'\".jpg"]
    for seed, name in enumerate(names):
        pixels, _ = shapes.scene(100 + seed, ((480, 640), (640, 480), (300, 300))[seed % 3])
        (root / "images" / name).write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
    blank = cv2.imencode(".jpg", np.full((200, 300, 3), 90, np.uint8))[1].tobytes()
    (root / "images/blank.jpg").write_bytes(blank)
    Path(os.fsdecode(os.fsencode(root / "images") + b"/\xff.jpg")).write_bytes(b"none")
    classes = ["circle", HOSTILE, "triangle", "star", "ring", "heart", "cross", "crescent</script><b>"]
    (root / "labels.txt").write_text("\n".join(classes))
    arguments = [str(root / "images"), "-o", str(root / "out.jsonl"), "--labels", str(root / "labels.txt")]
    assert main(["predict", *arguments, "-t", "0.3", "--report", str(root / "report")]) == 1
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, "no Chromium: apt-get install chromium, or say where it is in CHROMIUM"
    with sync_playwright() as playwright:
        # No name is resolved and the proxy does not exist: whatever wanted to leave would fail, and be seen.
        away = ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:1"]
        started = playwright.chromium.launch(executable_path=program, args=away)
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Page]:
    """The page, opened from its file. It asks for nothing, and nothing is wrong with it."""
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1400, "height": 900})
    opened = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda one: requests.append(one.url))
    opened.on("console", lambda one: complaints.append(one.text))
    opened.on("pageerror", lambda one: complaints.append(str(one)))
    opened.goto((folder / "report/index.html").as_uri())
    yield opened
    assert [one for one in requests if not one.startswith("data:")] == [
        (folder / "report/index.html").as_uri()
    ]
    assert complaints == []
    opened.screenshot(path=folder / f"{request.param}.png")
    context.close()


def visible(page: Page, selector: str) -> int:
    """How many elements are really drawn: neither hidden nor in something hidden."""
    return int(page.eval_on_selector_all(selector, "all => all.filter(one => one.checkVisibility()).length"))


def scores(page: Page, label: str = "") -> list[float]:
    found = page.eval_on_selector_all(f"path{label}", "all => all.map(one => one.dataset.s)")
    return [float(score) for score in found]


def slide(page: Page, name: str, value: str) -> None:
    page.locator(f"#{name}").fill(value)


def test_all_is_there_at_first(page: Page) -> None:
    assert visible(page, ".card") == 6
    assert visible(page, "path") == len(scores(page)) > 10
    expect(page.locator("#shown")).to_have_text(f"{len(scores(page))} instances in 6 images")
    loaded = "all => all.every(one => one.complete && one.naturalWidth > 0)"
    assert page.eval_on_selector_all(".card img", loaded)
    expect(page.locator("#errors tbody tr")).to_have_count(1)
    expect(page.locator("#errors")).to_contain_text("\\xff.jpg")


def test_classes_are_filtered_by_clicks(page: Page) -> None:
    kinds = page.eval_on_selector_all(".chip input", "all => all.map(one => one.value)")
    counts = {kind: len(scores(page, f".{kind}")) for kind in kinds}
    assert sum(counts.values()) == len(scores(page))
    first = kinds[0]
    page.click(f".chip:has(input[value={first}])")
    expect(page.locator(f"path.{first}").first).to_be_hidden()
    assert visible(page, "path") == len(scores(page)) - counts[first]
    page.click("#none")
    expect(page.locator("#shown")).to_have_text(f"0 of {len(scores(page))} instances in 0 of 6 images")
    assert visible(page, ".card") == 0
    page.check(f"input[value={first}]")
    expect(page.locator(f"path.{first}").first).to_be_visible()
    assert visible(page, "path") == counts[first]
    assert visible(page, ".card") == page.locator(f".card:has(path.{first})").count() < 6
    page.click("#all")
    expect(page.locator("#shown")).to_have_text(f"{len(scores(page))} instances in 6 images")


def test_scores_are_filtered_by_sliders(page: Page) -> None:
    values = scores(page)
    slide(page, "least", "0.75")
    expect(page.locator("#least-value")).to_have_text("0.75")
    high = sum(score >= 0.75 for score in values)
    expect(page.locator("#shown")).to_contain_text(f"{high} of {len(values)} instances")
    assert visible(page, "path") == high
    assert 0 < high < len(values)
    slide(page, "most", "0.85")
    between = sum(0.75 <= score <= 0.85 for score in values)
    expect(page.locator("#shown")).to_contain_text(f"{between} of {len(values)} instances")
    assert visible(page, "path") == between
    slide(page, "least", page.get_attribute("#least", "min") or "")
    slide(page, "most", page.get_attribute("#most", "max") or "")
    expect(page.locator("#shown")).to_have_text(f"{len(values)} instances in 6 images")
    assert visible(page, "path") == len(values)


def test_names_are_only_shown(page: Page) -> None:
    expect(page.locator(".card figcaption bdi").filter(has_text=HOSTILE)).to_have_count(1)
    expect(page.locator(".card figcaption bdi").filter(has_text="d\\n\\u202ee'\".jpg")).to_have_count(1)
    expect(page.locator(".chip bdi").filter(has_text=HOSTILE)).to_have_count(1)
    assert page.locator("img").count() == 6
    assert page.title() == "maskrle: out.jsonl"


def test_colours_follow_the_scheme(page: Page) -> None:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground, ink = (
        [int(one) for one in page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g)")[:3]]
        for name in ("backgroundColor", "color")
    )
    assert (max(ground) < 60) == dark
    assert abs(sum(ground) - sum(ink)) > 500


def test_nothing_written_into_the_page_may_run_or_leave(
    browser: Browser, folder: Path, tmp_path: Path
) -> None:
    """Had a name become markup after all, the policy would stop it."""
    content = (folder / "report/index.html").read_text()
    hostile = (
        "<script>document.title = 'broken'</script>"
        "<img src='http://127.0.0.1:9/a.png' onerror=\"document.title = 'broken'\">"
        "<link rel=stylesheet href='http://127.0.0.1:9/a.css'><iframe src='http://127.0.0.1:9/'></iframe>"
    )
    (tmp_path / "broken.html").write_text(content.replace("<main>", f"<main>{hostile}"))
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda one: complaints.append(one.text))
    page.goto((tmp_path / "broken.html").as_uri())
    expect(page.locator("#shown")).to_contain_text("instances")
    assert page.title() == "maskrle: out.jsonl"
    assert sum("Content Security Policy" in one for one in complaints) >= 4
    page.close()


def test_without_scripts_everything_is_shown(browser: Browser, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "report/index.html").as_uri())
    expect(page.locator("path").first).to_be_visible()
    expect(page.locator(".card output").first).to_have_text(
        f"{page.locator('.card').first.locator('path').count()} instances"
    )
    context.close()
