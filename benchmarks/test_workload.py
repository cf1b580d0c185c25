"""The workload is what it claims to be, and every contestant that is installed does the same work on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from contestants import BASELINE, Contestant, contestants, reference_way, torch_values
from floor import Floor, FloorUnavailable
from verify import own_convention, verify
from workload import SEEDS, SIZES, Workload, coco_like, distribution, run_lengths, tiny

import maskrle

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


@pytest.fixture(scope="module")
def small() -> Workload:
    return coco_like(30, SMALL)


@pytest.mark.parametrize("size", SIZES)
def test_distribution(size: str) -> None:
    work = coco_like(100, SIZES[size])
    rles = list(maskrle.encode(work.masks, work.boxes, work.image_size, work.channels))
    found = distribution(work.boxes, rles)._asdict()
    for name, expected in MEASURED[size].items():
        off = np.abs(np.array(found[name]) / np.array(expected) - 1)
        assert (off <= TOLERANCES[name]).all(), (name, found[name], expected)
    assert 0.08 < found["columns_with_several_runs"] < 0.30


@pytest.mark.parametrize("seed", SEEDS)
def test_boxes_lie_inside_the_image(seed: int) -> None:
    work = coco_like(100, SIZES["800x1365"], seed)
    height, width = work.image_size
    assert (work.boxes >= 0).all()
    assert (work.boxes <= [width, height, width, height]).all()
    assert (work.boxes[:, 2:] > work.boxes[:, :2]).all()


def test_the_same_seed_gives_the_same_scene(small: Workload) -> None:
    again, other = coco_like(30, SMALL), coco_like(30, SMALL, seed=1)
    np.testing.assert_array_equal(again.masks, small.masks)
    np.testing.assert_array_equal(again.boxes, small.boxes)
    assert not np.array_equal(other.boxes, small.boxes)


def test_only_the_chosen_channel_holds_a_shape(small: Workload) -> None:
    chosen = small.masks[np.arange(30), small.channels]
    others = small.masks[np.arange(30), (small.channels + 1) % 90]

    def roughness(masks: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(masks, axis=2)).mean((1, 2))

    assert (roughness(chosen) < 0.2).all()
    assert (roughness(others) > 0.3).all()


def test_a_representative_subset_keeps_the_distribution() -> None:
    work = coco_like(100, SIZES["480x640"])
    whole, part = ((w.boxes[:, 2] - w.boxes[:, 0]).mean() for w in (work, work.representative(10)))
    assert abs(part / whole - 1) < 0.25


def test_tiny_masks_have_next_to_no_runs() -> None:
    rles = maskrle.encode(*_arguments(tiny(8, SMALL)))
    assert all(len(run_lengths(rle["counts"])) < 12 for rle in rles)


def test_run_lengths_add_up_to_the_image(small: Workload) -> None:
    for rle in maskrle.encode(*_arguments(small)):
        assert run_lengths(rle["counts"]).sum() == SMALL[0] * SMALL[1]


@pytest.mark.parametrize("contestant", contestants(), ids=lambda c: c.name)
@pytest.mark.parametrize("image_size", [SMALL, (480, 640)], ids=str)
def test_contestants_verify(contestant: Contestant, image_size: tuple[int, int]) -> None:
    if contestant.missing:
        pytest.skip(f"{', '.join(contestant.missing)} not installed")
    work = coco_like(30, image_size)
    way = contestant.make()
    contestant.prepare()
    if contestant.paste == "omz":
        verdict = verify(way, work, reference_way(work))
    else:
        verdict = own_convention(contestant, way, work)  # type: ignore[assignment]
    if contestant.name.startswith("maskrle"):
        assert verdict.differing_masks == 0
    else:  # builds of OpenCV and orders of rounding flip single pixels
        assert verdict.differing_pixels <= 1e-5 * verdict.masks * image_size[0] * image_size[1]


@pytest.mark.parametrize("image_size", [SMALL, (480, 640), (800, 1365)], ids=str)
def test_detectron2_equals_torch_away_from_the_threshold(image_size: tuple[int, int]) -> None:
    pytest.importorskip("torch")
    work = coco_like(100, image_size, SEEDS[1])
    drawn = maskrle.encode(*_arguments(work), paste="detectron2").to_masks().astype(bool)
    compared = 0
    for mask, masks, channel, box in zip(drawn, work.masks, work.channels, work.boxes, strict=True):
        window, there = torch_values(masks[channel], box, image_size)
        values = there.numpy()
        clear = np.abs(values - 0.5) >= 1e-5
        assert (mask[window] == (values >= 0.5))[clear].all()
        assert mask.sum() == mask[window].sum()
        compared += int(clear.sum())
    assert compared > 10_000


def test_the_floor_writes_the_same_dicts(small: Workload) -> None:
    rles = reference_way(small)
    try:
        floor = Floor(small, rles)
    except FloorUnavailable as error:
        pytest.skip(str(error))
    assert floor() == rles


def test_the_baseline_takes_part() -> None:
    assert any(contestant.name == BASELINE for contestant in contestants())


def _arguments(work: Workload) -> tuple[Any, ...]:
    return work.masks, work.boxes, work.image_size, work.channels
