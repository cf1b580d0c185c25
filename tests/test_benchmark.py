from __future__ import annotations

import importlib
import re
from typing import Any

import numpy as np
import pytest

import maskrle
from maskrle.benchmark import comparison
from maskrle.benchmark.comparison import WAYS, Way, compared
from maskrle.benchmark.timing import brief, no_collection, seconds, spread
from maskrle.benchmark.verdict import Verdict, compare
from maskrle.benchmark.ways import accuracy_checker_way, native_way, reference_way
from maskrle.benchmark.workload import SEEDS, SIZES, Workload, coco_like
from maskrle.cli import main

SMALL = (60, 80)
command = importlib.import_module("maskrle.cli.benchmark")  # its function has the same name


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One small size and no seconds: every way takes one turn."""
    monkeypatch.setattr(command, "SIZES", {"60x80": SMALL})
    monkeypatch.setattr(command, "_SECONDS", {"60x80": 0.0})


def with_ways(monkeypatch: pytest.MonkeyPatch, *ways: Way) -> None:
    monkeypatch.setattr(comparison, "WAYS", ways)
    monkeypatch.setattr(command, "WAYS", ways)


@pytest.mark.usefixtures("quick")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark"]) == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    lines = out.splitlines()
    assert lines[0].split() == ["way", "60x80"]
    table = {line.split()[0]: line.split()[1:] for line in lines[1 : 1 + len(WAYS)]}
    assert list(table) == [way.name for way in WAYS]
    assert float(table["maskrle"][0]) > 0
    for way in WAYS[1:]:
        if way.missing:
            assert table[way.name] == [*" ".join([*way.missing]).split(), "not", "installed"]
        else:
            assert re.fullmatch(r"[\d.,]+", table[way.name][0])
            assert re.fullmatch(r"\([\d.,]+x\)", table[way.name][1])
    assert "checked: accuracy_checker: 30 of 30 masks identical" in lines
    assert "checked: numpy: 30 of 30 masks identical" in lines
    machine = lines[-1]
    assert f"{maskrle.build_config()['backend']} kernel" in machine
    assert f"maskrle {maskrle.__version__}" in machine
    assert f"numpy {np.__version__}" in machine


@pytest.mark.usefixtures("quick")
def test_a_peer_that_is_absent_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_ways(monkeypatch, WAYS[0], Way("other", "never made", native_way, ("numpy", "no_such_package")))
    assert main(["benchmark"]) == 0
    assert re.search(r"^other +no_such_package not installed *$", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.usefixtures("quick")
def test_a_peer_with_other_masks_is_not_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_ways(monkeypatch, WAYS[0], Way("other", "other masks", shifted))
    assert main(["benchmark"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^other +differs +other masks", out, re.MULTILINE)
    assert re.search(r"^checked: other: \d+ of 30 masks differ, by [\d,]+ pixels", out, re.MULTILINE)


@pytest.mark.usefixtures("quick")
def test_wrong_masks_of_ours_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_ways(monkeypatch, Way("maskrle", "wrong", shifted), WAYS[-1])
    assert main(["benchmark"]) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("maskrle: error: the native path and maskrle.reference differ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("args", [["extra"], ["--seconds", "3"]])
def test_usage_errors_are_one_line(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    assert main(["benchmark", *args]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("maskrle: error: ")
    assert errors.count("\n") == 1


def test_seconds_add_up_to_less_than_twenty() -> None:
    assert list(command._SECONDS) == list(SIZES)
    assert sum(command._SECONDS.values()) < command._ALL - 2


def test_a_slow_machine_leaves_large_images_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "SIZES", {"60x80": SMALL, "6000x8000": (6000, 8000)})
    monkeypatch.setattr(command, "_SECONDS", {"60x80": 0.0})
    monkeypatch.setattr(command, "compared", lambda *args: compared(*args)._replace(turn=0.01))
    assert main(["benchmark"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["way", "60x80"]
    assert "left out: 6000x8000, for which this machine would need more than 20 seconds now" in lines


def shifted(work: Workload) -> Any:
    return native_way(work._replace(boxes=work.boxes + 3))


def test_every_way_gets_a_turn_however_short_the_time() -> None:
    rows, turn = compared(SMALL, 0.0)
    assert isinstance(turn, float)
    assert turn > 0
    assert [row.way for row in rows] == [way for way in WAYS if not way.missing]
    for row in rows:
        assert row.time is not None
        assert row.time.samples == 1
        assert row.verdict.masks == comparison.COUNT
    assert rows[0].ratio == (1, 1, 1, 1)


def test_with_time_all_take_part_in_many_rounds() -> None:
    rows, _ = compared(SMALL, 60.0)
    assert {row.time.samples for row in rows if row.time} == {comparison._ROUNDS}
    assert all(row.verdict.masks == comparison.COUNT * len(SEEDS) for row in rows[:-1])


@pytest.mark.parametrize("way", [way for way in WAYS if not way.missing], ids=lambda way: way.name)
@pytest.mark.parametrize("size", [SMALL, (240, 320)], ids=str)
def test_ways_give_the_same_masks(way: Way, size: tuple[int, int]) -> None:
    work = coco_like(20, size, seed=5)
    verdict = compare(way.encode(work), reference_way(work))
    assert verdict.fit
    if way == WAYS[0]:
        assert verdict.differing_masks == 0


def test_boxes_outside_the_image_and_without_extent() -> None:
    work = coco_like(6, SMALL)
    boxes = work.boxes.copy()
    boxes[0] = [-50, -40, -20, -10]
    boxes[1] = [70, 50, 200, 300]
    boxes[2] = [30, 30, 30, 30]
    work = work._replace(boxes=boxes)
    assert accuracy_checker_way(work) == native_way(work) == reference_way(work)


# --- scenes -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small() -> Workload:
    return coco_like(30, SMALL)


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


# --- comparing and timing ---------------------------------------------------------------------------


def test_a_verdict_counts_what_differs(small: Workload) -> None:
    expected = native_way(small)
    assert compare(expected, expected) == Verdict(30, 0, 0, 0, 30 * 60 * 80)
    pixels = maskrle.decode(expected[4]).copy()
    pixels[:2, 0] ^= 1
    empty = np.zeros_like(pixels)
    changed = [*expected[:4], encoded(pixels), *expected[5:]]
    verdict = compare(changed, expected)
    assert verdict[:4] == (30, 1, 2, int(maskrle.decode(expected[4]).sum()))
    assert not verdict.fit
    assert str(verdict).startswith("1 of 30 masks differ, by 2 pixels (")
    assert compare([encoded(empty)], [encoded(empty)]).fit
    assert verdict.plus(compare(expected, expected)).masks == 60


def encoded(pixels: np.ndarray) -> dict[str, Any]:
    from pycocotools import mask as coco

    return coco.encode(np.asfortranarray(pixels))  # type: ignore[no-any-return]


def test_results_of_other_sizes_are_no_results(small: Workload) -> None:
    expected = native_way(small)
    with pytest.raises(RuntimeError, match="expected 30 masks, got 29"):
        compare(expected[1:], expected)
    with pytest.raises(RuntimeError, match=r"expected a mask of \[60, 80\], got \[80, 60\]"):
        compare([{**expected[0], "size": [80, 60]}], expected[:1])


def test_a_spread_is_the_median_and_the_middle_half() -> None:
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == (3, 2, 4, 5)
    assert str(spread([100.0, 101.0, 102.0, 103.0, 104.0])) == "102 (101-103)"
    assert [brief(value) for value in (1.234, 12.34, 1234.5)] == ["1.23", "12.3", "1,234"]


def test_seconds_are_those_of_the_clock() -> None:
    ticks = iter(range(0, 10**9, 250))
    taken, result = seconds(lambda: [next(ticks) for _ in range(7)], clock=lambda: next(ticks))
    assert len(result) == 7
    assert taken == pytest.approx(7 * 250e-9)


def test_garbage_collection_comes_back() -> None:
    import gc

    assert gc.isenabled()

    def fail() -> None:
        with no_collection():
            assert not gc.isenabled()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gc.isenabled()
