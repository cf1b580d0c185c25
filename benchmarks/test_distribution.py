"""The workload has the sizes of boxes and the runs that were measured on COCO-like detections."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from distribution import distribution, main, run_lengths

import maskrle
from maskrle.benchmark.workload import SIZES, coco_like

# Measured on COCO-like detections: p10, p50, p90, largest; means.
MEASURED: dict[str, dict[str, Any]] = {
    "480x640": {
        "widths": (13, 45, 303, 613),
        "heights": (16, 52, 322, 476),
        "runs": (31, 98, 612, 2283),
        "mean_runs": 249,
    },
    "800x1365": {
        "widths": (28, 96, 647, 1308),
        "heights": (26, 86, 536, 793),
        "runs": (61, 201, 1299, 4865),
        "mean_runs": 528,
        "mean_bytes": 724,
    },
    "2160x3840": {"widths": (78, 270, 1821, 3679), "mean_runs": 1480},
}
# Relative. Box sides are stratified; runs depend on the shapes, the largest of 100 on a single one of them.
TOLERANCES: dict[str, Any] = {
    "widths": 0.03,
    "heights": 0.03,
    "runs": (0.15, 0.10, 0.10, 0.30),
    "mean_runs": 0.03,
    "mean_bytes": 0.05,
}
SMALL = (120, 200)


@pytest.mark.parametrize("size", SIZES)
def test_distribution(size: str) -> None:
    work = coco_like(100, SIZES[size])
    rles = list(maskrle.encode(work.masks, work.boxes, work.image_size, work.channels))
    found = distribution(work.boxes, rles)._asdict()
    for name, expected in MEASURED[size].items():
        off = np.abs(np.array(found[name]) / np.array(expected) - 1)
        assert (off <= TOLERANCES[name]).all(), (name, found[name], expected)
    assert 0.08 < found["columns_with_several_runs"] < 0.30


def test_run_lengths_add_up_to_the_image() -> None:
    work = coco_like(30, SMALL)
    for rle in maskrle.encode(work.masks, work.boxes, work.image_size, work.channels):
        assert run_lengths(rle["counts"]).sum() == SMALL[0] * SMALL[1]


def test_the_distribution_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    out = capsys.readouterr().out
    assert out.count("widths") == len(SIZES)
    assert re.search(r"800x1365\n  widths +28 / 9\d / 6\d\d / 1308\n", out)
