"""The documents' pictures: docs/overlay.jpg, and docs/report.jpg, which takes `make test-browser`'s needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import cv2
from playwright.sync_api import sync_playwright

import maskrle
from maskrle.cli import main

DOCS = Path(__file__).absolute().parent.parent / "docs"
SCENE = 33


def overlay() -> None:
    image, _ = maskrle.shapes.scene(SCENE, (600, 960))
    drawn = maskrle.Segmenter(maskrle.shapes.network())(image).draw(image)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88]
    (DOCS / "overlay.jpg").write_bytes(cv2.imencode(".jpg", drawn, quality)[1].tobytes())


def report() -> None:
    """From the current folder: its name is to be in no picture."""
    images = Path("images")
    images.mkdir()
    for seed in range(24):
        image, _ = maskrle.shapes.scene(seed + 1, ((480, 640), (600, 960), (640, 480))[seed % 3])
        (images / f"{seed + 1:03}.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
    (images / "broken.jpg").write_bytes(b"none")
    main(["predict", "images", "-o", "results.json", "-t", "0.3", "--report", "report"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(Path("report/index.html").absolute().as_uri())
        page.uncheck("input[value=k1]")
        page.locator("#least").fill("0.6")
        page.wait_for_timeout(200)
        page.screenshot(path=DOCS / "report.jpg", quality=80)
        browser.close()


if __name__ == "__main__":
    overlay()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        report()
