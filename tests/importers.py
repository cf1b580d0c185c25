"""Results in other tools' data sets, as docs/interop.md says; run by `make test-importers`."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import datumaro
import numpy as np

import maskrle
from maskrle.cli import main

DOCUMENT = Path(__file__).parent.parent / "docs/interop.md"


def check(dataset: Any, results: list[dict[str, Any]], names: dict[int, str]) -> None:
    """Every detection is there once, with its class, score and mask to the pixel."""
    categories = dataset.categories()[datumaro.AnnotationType.label]
    seen = 0
    for item in dataset:
        wanted = {one["score"]: one for one in results if one["image_id"] == int(Path(item.id).name)}
        masks = [one for one in item.annotations if one.type == datumaro.AnnotationType.mask]
        assert len(masks) == len(wanted)
        assert item.media.size == tuple(masks[0].image.shape)
        for one in masks:
            result = wanted.pop(one.attributes["score"])
            assert categories[one.label].name == names[result["category_id"]]
            np.testing.assert_array_equal(one.image, maskrle.decode(result["segmentation"]))
            seen += 1
    assert seen == len(results) > 0


def run() -> None:
    assert main(["scenes", "scenes", "-n", "5"]) == 0
    assert main(["predict", "scenes/annotations.json", "-o", "results.json"]) == 0
    Path("PICTURES").symlink_to("scenes")
    blocks = re.findall(r"^```py\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        if "fiftyone" in block:  # it needs a database
            continue
        exec(compile(block, str(DOCUMENT), "exec"), names)
    results = json.loads(Path("results.json").read_text())
    check(names["found"], results, dict(enumerate(maskrle.shapes.CLASSES, start=1)))
    print(f"Datumaro {datumaro.__version__}: {len(results)} detections are what they were")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        run()
