"""Generated scenes as a data set: pictures and COCO annotations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .json_text import write_json
from .overlays import write_picture
from .shapes import CLASSES, scene

__all__ = ["write_scenes"]

_SIZES = ((800, 1365), (640, 480), (427, 640), (600, 600), (480, 640))
"""(height, width) of the scenes, in turn."""
_SEED = 500_000
"""Seed of the scene before the first; the embedded network's training begins at 1,000,000."""


def write_scenes(directory: Path, count: int) -> Iterator[int]:
    """Write `directory/images/00001.png` and so on, and last `directory/annotations.json`.

    The same count gives the same files; fewer give the first of them.

    Yields:
        How many objects each scene has, when its picture is written.

    Raises:
        OSError: a file cannot be written.
    """
    (directory / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        height, width = _SIZES[(number - 1) % len(_SIZES)]
        pixels, truth = scene(_SEED + number, (height, width))
        name = f"images/{number:05}.png"
        write_picture(directory / name, pixels)
        images.append({"id": number, "file_name": name, "height": height, "width": width})
        annotations += truth.annotations(number, len(annotations) + 1)
        yield len(truth)
    categories = [{"id": label, "name": name} for label, name in enumerate(CLASSES, start=1)]
    write_json(
        directory / "annotations.json",
        {"images": images, "annotations": annotations, "categories": categories},
    )
