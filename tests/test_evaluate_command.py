from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from test_evaluate import crowded, result, truth
from test_results import instances

from maskrle.cautions import cautions
from maskrle.cli import main
from maskrle.evaluate import METRICS, evaluate
from maskrle.formats import FORMATS
from maskrle.readers import read_results
from maskrle.run_record import read_run, write_run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "results.json", tmp_path / "annotations.json"
    paths[0].write_text(json.dumps([result(1, width=77), result(2)]))
    paths[1].write_text(json.dumps(truth()))
    return paths


def test_command(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]) -> None:
    assert main(["evaluate", *map(str, files)]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("maskrle: warning: no score is below 0.9, as if")
    lines = [line.split() for line in captured.out.splitlines()]
    assert lines[0] == ["metric", "box", "mask"]
    assert lines[1] == ["AP", "0.8000", "1.0000"]
    assert lines[4] == ["AP", "small", "-", "-"]
    assert len(lines) == 14
    assert captured.out.endswith("2 detections in 2 of 2 annotated images\n")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [None, "no JSON", "\ud800", "[" * 100_000, "[1]", "{}"])
def test_command_with_bad_files(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], which: int, content: str | None
) -> None:
    if content is None:
        files[which].unlink()
    else:
        files[which].write_bytes(content.encode("utf-8", "surrogatepass"))
    assert main(["evaluate", *map(str, files)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("maskrle: error: ")
    assert files[which].name in captured.err
    assert captured.err.count("\n") == 1


def test_command_without_hotcoco(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    assert main(["evaluate", *map(str, files)]) == 1
    assert "pip install 'maskrle[eval]'" in capsys.readouterr().err


def test_each_class(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    results, annotations = crowded(2, images=12, classes=2)
    annotations["categories"][0]["name"] = "a [bold] \x1b]0;title\x07dog"
    (tmp_path / "r.json").write_text(json.dumps(results))
    (tmp_path / "a.json").write_text(json.dumps(annotations))
    assert main(["evaluate", str(tmp_path / "r.json"), str(tmp_path / "a.json"), "--per-class"]) == 0
    lines = capsys.readouterr().out.splitlines()
    wanted = evaluate(results, annotations)
    heads = [at for at, line in enumerate(lines) if "APs" in line.split()]
    assert [lines[at].split()[0] for at in heads] == ["box", "mask"]
    for at, one in zip(heads, wanted.values(), strict=True):
        assert len(lines[at].split()) == 2 + len(METRICS)
        first = lines[at + 1].split()
        crowds = sum(a["category_id"] == 1 and not a["iscrowd"] for a in annotations["annotations"])
        assert first == ["1", str(crowds), *(f"{value:.4f}" for value in one.by_class[1].values())]
        assert lines[at + 3].startswith(r"a [bold] \x1b]0;title\x07dog ")


def test_curves(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("curves.png", "curves.svg", "again.svg"):
        assert main(["evaluate", *map(str, files), "--curves", str(tmp_path / name)]) == 0
        assert f"Written: {tmp_path / name}" in capsys.readouterr().out
    picture = cv2.imread(str(tmp_path / "curves.png"))
    assert picture is not None
    assert picture.shape[1] > picture.shape[0] > 400
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert (tmp_path / "curves.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()


def test_curves_of_other_suffixes_or_without_matplotlib(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["evaluate", *map(str, files), "--curves", "curves.doc"]) == 1
    assert "curves: expected a file name ending in ." in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib.backend_bases", None)
    assert main(["evaluate", *map(str, files), "--curves", "curves.png"]) == 1
    assert "curves need matplotlib: pip install 'maskrle[eval]'" in capsys.readouterr().err


SEED = "mask_rcnn_inception_resnet_v2_atrous_coco"


@pytest.mark.parametrize("way", ["record", "option"])
def test_published_numbers(capsys: pytest.CaptureFixture[str], files: tuple[Path, Path], way: str) -> None:
    """Beside results of the network that they are of, as the run's record or the user says."""
    write_run(files[0], {"network": SEED if way == "record" else "other", "threshold": 0.0})
    options = ["-m", SEED] if way == "option" else []
    assert main(["evaluate", *map(str, files), *options]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = [line.split() for line in captured.out.splitlines()]
    assert lines[0] == ["metric", "box", "mask", "published", "box", "published", "mask"]
    assert lines[1] == ["AP", "0.8000", "1.0000", "0.3986", "0.3536"]
    assert f"Published: {SEED}, Open Model Zoo, on the 5000 images of COCO val2017" in captured.out


def test_nothing_published_of_other_networks(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path]
) -> None:
    write_run(files[0], {"network": "other"})
    assert main(["evaluate", *map(str, files)]) == 0
    assert "ublished" not in capsys.readouterr().out
    assert main(["evaluate", *map(str, files), "-m", "other"]) == 1
    assert "model: expected a network with published accuracy" in capsys.readouterr().err
    files[0].with_name(files[0].name + ".run.json").write_text("[]")
    assert main(["evaluate", *map(str, files)]) == 1
    assert "run.json: expected an object" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("score", "run", "words"),
    [
        (0.5, None, ["no score is below 0.5, as if"]),
        (0.05, None, []),
        (0.5, {"threshold": 0.05}, []),
        (0.5, {"threshold": 0.5}, ["the run dropped scores below 0.5: AP lacks"]),
        (0.01, {"threshold": 0.0, "max_detections": 20}, ["the run kept 20 detections of an image at most"]),
        (0.01, {"max_detections": 100, "classes": None}, []),
        (0.01, {"classes": ["cat", "7"]}, ["the run kept only the classes cat, 7; all"]),
    ],
)
def test_cautions(score: float, run: dict[str, Any] | None, words: list[str]) -> None:
    said = list(cautions([result(1), result(1) | {"score": score}], truth(), run))
    assert len(said) == len(words)
    for sentence, beginning in zip(said, words, strict=True):
        assert sentence.startswith(beginning)


def test_classes_that_are_not_annotated() -> None:
    found = [result(1) | {"category_id": label, "score": 0.01} for label in (1, 17, 18, 19, 20, 21, 22)]
    (said,) = cautions(found, truth(), None)
    assert said.startswith("6 of 7 results are of classes that the annotations do not have")
    assert "(17, 18, 19, 20, 21, ...)" in said


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_reads_back(tmp_path: Path, suffix: str) -> None:
    """The very numbers that the results had, so that AP is the same to the last bit."""
    found = {3: instances(), 12: instances()[:0], 7: instances()[1:3]}
    height, width = found[3].image_size
    records = [
        {"image_id": number, "file_name": "a", "height": height, "width": width, "count": len(one)}
        | {"detections": FORMATS[suffix].found(number, one)}
        for number, one in found.items()
    ]
    path = tmp_path / f"results{suffix}"
    with open(path, "wb") as file:
        FORMATS[suffix].write(file, records)
    read = read_results(path)
    for one in read:
        counts = one["segmentation"]["counts"]
        one["segmentation"]["counts"] = counts.decode() if isinstance(counts, bytes) else counts
    wanted = [result for number, one in found.items() for result in one.to_coco(number)]
    assert read == wanted
    if suffix == ".parquet":
        path.rename(path.with_name("0001.parquet"))
        assert len(read_results(tmp_path)) == len(wanted)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"image_id": 1, "detections": []}\n{"a', "a.jsonl: line 2: not JSON"),
        ("a.jsonl", b"[]\n", "a.jsonl: line 1: expected an object with image_id and a list of detections"),
        ("a.jsonl", b'{"detections": [1]}\n', "line 1: expected an object"),
        ("a.parquet", b"PAR1", "a.parquet: not Parquet, or "),
        ("a.parquet", b"", "a.parquet: not Parquet, or "),
    ],
)
def test_damaged_files(
    files: tuple[Path, Path], tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^results: .*{message}"):
        evaluate(tmp_path / name, files[1])


def test_parquet_of_others(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    pa.parquet.write_table(pa.table({"image_id": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: no results of maskrle: no column height"):
        evaluate(tmp_path / "a.parquet", files[1])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: a folder without Parquet files"):
        evaluate(tmp_path / "empty", files[1])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"pip install 'maskrle\[arrow\]'"):
        evaluate(tmp_path / "a.parquet", files[1])


def test_records_of_runs(tmp_path: Path) -> None:
    assert read_run(tmp_path / "out.json") is None
    write_run(tmp_path / "out.json", {"threshold": 0.5, "classes": ["caf\u00e9"]})
    assert read_run(tmp_path / "out.json") == {"threshold": 0.5, "classes": ["caf\u00e9"]}
