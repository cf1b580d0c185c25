"""A small run goes through to report, plots and documents; the formulas behind them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import amdahl
import numpy as np
import pipeline
import pytest
import readme
import run
import speed
from ballast import network
from contestants import Contestant, contestants
from pipeline import Pipeline
from results import Results, machine
from scaling import Point
from speed import FLOOR, Speed
from throughput import Throughput

import maskrle
from maskrle import Segmenter, Timings
from maskrle.benchmark.timing import Spread, spread

SMALL = {
    "480x640": (240, 320),
    "800x1365": (250, 400),
    "2160x3840": (260, 480),
}  # quick, under the names of all


@pytest.fixture(scope="module")
def measured() -> list[Speed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "SIZES", SMALL)
        return [speed.run(size, 100, quick=True) for size in SMALL]


@pytest.fixture
def results(measured: list[Speed]) -> Results:
    rates = {"maskrle": 10.0, "accuracy_checker": 8.0}
    timings = Timings(0.001, 0.002, 0.1, 0.003)
    rows = [pipeline.Row(name, "", flat(rate), flat(rate / 11), timings) for name, rate in rates.items()]
    rows.append(pipeline.Row("torch paste", "torch not installed", None, None, None))
    return Results(
        machine=machine(),
        speed=measured,
        shipped=measured,
        scaling=[
            Point("48x64", 3072, 40.0, flat(1.0), flat(200.0), ""),
            Point("96x128", 12288, 80.0, flat(1.5), None, ""),
        ],
        pipeline=[Pipeline(milliseconds, 7, 2, 3, 3, flat(11.0), rows) for milliseconds in pipeline.TARGETS],
        throughput=Throughput(2, flat(100.0), "a network"),
    )


def flat(value: float) -> Spread:
    return spread([value])


def test_all_ways_are_measured_against_ours_and_the_floor(measured: list[Speed]) -> None:
    for one in measured:
        assert [row.name for row in one.rows] == [FLOOR, *(c.name for c in contestants())]
        for row in one.rows:
            assert (row.per_mask is None) == bool(row.absent)
            if row.per_mask is not None:
                assert row.per_mask.median > 0
                assert row.against_maskrle is not None
        assert one.rows[1].against_maskrle == Spread(1, 1, 1, 6)


def test_slow_ways_take_three_turns_and_ours_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZES", SMALL)
    monkeypatch.setattr(speed, "_ALLOWED", 0.0)
    for row in speed.run("480x640", 1).rows[1:]:
        turns = speed._ROUNDS if row.name.startswith("maskrle") else 3
        assert row.per_mask is None or row.per_mask.samples == turns
        assert row.against_maskrle is None or row.against_maskrle.samples == turns


def test_as_shipped_has_no_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "SIZES", SMALL)
    one = speed.run("480x640", 1, single_thread=False, quick=True)
    assert one.row(FLOOR).absent == "measured in one thread"
    assert one.rows[1].over_floor is None


def test_a_run_makes_report_plots_and_documents(results: Results, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run._save(tmp_path, results)
    for name in ("ways", "sizes", "amdahl", "pipeline"):
        for theme in ("light", "dark"):
            assert (tmp_path / f"{name}-{theme}.svg").read_text().count("<path") > 10
            assert (tmp_path / f"{name}-{theme}.png").stat().st_size > 5_000
    text = (tmp_path / "report.md").read_text()
    assert results.machine["cpu"] in text
    assert results.machine["versions"]["numpy"] in text
    for heading in ("One thread", "As shipped", "What post-processing costs a server", "In a pipeline"):
        assert f"\n## {heading}\n" in text
    assert "| torch paste | absent: torch not installed |" in text
    written = readme.documents(json.loads((tmp_path / "report.json").read_text()))
    front = written[readme.ROOT / "README.md"]
    assert f"| **maskrle** | {readme.brief(results.speed[0].rows[1].per_mask.median)} | " in front
    assert re.search(r"about\s+13\.5\s+s\s+of\s+a\s+core", front)
    assert (
        "| detectron2's way (torch + pycocotools) | absent: torch not installed |"
        in written[readme.ROOT / "docs/predict.md"]
    )


def test_a_run_that_measured_little_has_a_report(tmp_path: Path) -> None:
    run._save(tmp_path, Results(machine=machine()))
    assert (tmp_path / "report.md").read_text().startswith("# Masks and boxes to COCO RLE\n")


def test_shares(results: Results) -> None:
    cost = amdahl.Cost("way", 50.0)
    assert [cost.share(inference) for inference in (50, 150, 950)] == [0.5, 0.25, 0.05]
    assert amdahl.published_inference(Throughput(2, flat(100.0), "")) == pytest.approx(13_506.28)
    by_size = amdahl.costs(results.speed)
    assert list(by_size) == list(SMALL)
    first = results.speed[0].rows[1]
    assert by_size["480x640"][0] == (first.name, first.per_mask.median * 100 / 1e3)  # type: ignore[union-attr]


def test_the_formula_is_held_against_pipelines(results: Results) -> None:
    found = amdahl.checks(results.speed, results.pipeline, cores=2)
    assert [(one.milliseconds, one.name) for one in found] == [
        (ms, "accuracy_checker") for ms in pipeline.TARGETS
    ]
    cost = {one.name: one.milliseconds for one in amdahl.costs(results.speed)["480x640"]}
    more = cost["accuracy_checker"] - next(iter(cost.values()))
    assert found[0].predicted == pytest.approx(more / (2 * 100 + more))  # an image took 100 ms of two cores
    assert found[0].measured == pytest.approx(0.2)


def test_pipelines_take_ways_that_give_the_right_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    ways, absent = pipeline._ways()
    assert {*ways, *absent} == {"maskrle", *pipeline.OTHERS}
    wrong = Contestant(
        "numpy",
        "",
        (),
        lambda: lambda work: list(maskrle.encode(work.masks, work.boxes + 2, work.image_size, work.channels)),
    )
    monkeypatch.setattr(pipeline, "contestants", lambda: [wrong])
    with pytest.raises(RuntimeError, match="numpy does other work than maskrle"):
        pipeline._ways()


def test_ballast_finds_everything_within_the_picture() -> None:
    segmenter = Segmenter(network((80, 136), 40, 2, picture=(48, 64)))
    instances = segmenter(np.zeros((48, 64, 3), np.uint8))
    assert len(instances) == 40
    assert (instances.boxes >= 0).all()
    assert (instances.boxes <= np.array([64, 48, 64, 48]) + 0.1).all()


def test_streams_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_COUNT", 5)
    segmenter = Segmenter(network((80, 136), 5, 1, picture=pipeline.IMAGE))
    rate, stages = pipeline._stream(segmenter, 0.0)
    assert rate > 0
    assert stages.inference > 0
    monkeypatch.setattr(pipeline, "_COUNT", 6)
    with pytest.raises(RuntimeError, match="expected 6 instances"):
        pipeline._stream(segmenter, 0.0)
