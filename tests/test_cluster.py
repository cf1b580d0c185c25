"""Runs on a real Ray of this machine: `make test-ray`. Without Ray there is nothing to run."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import documents
import numpy as np
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from test_predict import picture, write_model
from test_predict_command import bomb, lines

from maskrle.cli import main

ray = pytest.importorskip("ray")
moto_server = pytest.importorskip("moto.server")
pytestmark = pytest.mark.filterwarnings("default")  # Ray's own code warns of what comes in its next versions

from maskrle import cluster, shards  # noqa: E402
from maskrle.cluster import Actor, ClusterRun, check_ray  # noqa: E402
from maskrle.ray import SegmentBatch  # noqa: E402
from maskrle.stores import opened  # noqa: E402

COUNT = 300
BAD = (5, 17, 18, 299)


@pytest.fixture(scope="module", autouse=True)
def two_cpus() -> Iterator[None]:
    check_ray()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # so that actors find `Killed`
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that finds as many as a picture's blue says, pictures, some that are none, and what `predict`
    makes of them here."""
    root = tmp_path_factory.mktemp("pictures")
    write_model(root / "model.xml")
    for number in range(COUNT):
        path = root / f"images/{number % 7}/{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = cv2.imencode(".png", picture(number % 10))[1].tobytes()
        path.write_bytes(b"no image" if number in BAD else content)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["predict", "images", "-m", "model.xml", "-o", "local.parquet"]) == 1
    return root


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(shards, "PICTURES", 50)


def predict(*args: object) -> int:
    return main(["predict", "-m", "model.xml", "--engine", "ray", *map(str, args)])


def table(folder: str) -> pa.Table:
    """All shards, in the order of pictures; within one, rows keep their order."""
    whole = pq.read_table(folder)
    return whole.take(np.argsort(whole["image_id"].to_numpy(), kind="stable"))


def check(out: str, prefix: str = "") -> None:
    """The shards are the local run's files: nothing lost, nothing double."""
    wanted = pq.read_table("local.parquet")
    listed = json.loads(Path("local.parquet.images.json").read_text())["images"]
    images = {image["id"]: image for image in listed}
    errors = {line["image_id"]: line for line in lines("local.parquet.errors.jsonl")}
    found = table(f"{out}/detections")
    assert found.schema == wanted.schema
    names = pa.array([prefix + name for name in wanted["file_name"].to_pylist()])
    assert found.equals(wanted.set_column(1, wanted.schema.field(1), names))
    pictures = table(f"{out}/pictures").to_pylist()
    assert [one["image_id"] for one in pictures] == list(range(1, COUNT + 1))
    for one in pictures:
        if one["error"] is None:
            image = images[one["image_id"]]
            assert one["file_name"] == prefix + image["file_name"]
            assert (one["height"], one["width"]) == (image["height"], image["width"])
        else:
            line = errors[one["image_id"]]
            assert (one["file_name"], one["error"]) == (prefix + line["source"], line["reason"])
            assert (one["height"], one["width"], one["count"]) == (None, None, None)
    assert sum(one["error"] is not None for one in pictures) == len(errors) == len(BAD)
    assert sum(one["count"] or 0 for one in pictures) == len(wanted)


def test_the_rows_of_the_local_run(capfd: pytest.CaptureFixture[str]) -> None:
    assert predict("images", "-o", "out", "--actors", 2) == 1
    check("out")
    captured = capfd.readouterr()
    assert captured.err.count("error: images/") == captured.err.count("\n") == len(BAD)
    assert f"{COUNT} images, " in captured.out
    assert f", {len(BAD)} errors, " in captured.out
    assert len(list(Path("out/detections").iterdir())) > 2
    record = json.loads(Path("out/detections.run.json").read_text())
    local = json.loads(Path("local.parquet.run.json").read_text())
    assert record == {name: value for name, value in local.items() if name in record}
    assert local.keys() - record.keys() == {"format", "inputs", "track", "overlays", "report"}
    assert predict("images", "-o", "out") == 1
    assert "out: out is there already, and not an empty folder" in capfd.readouterr().err


class Killed(Actor):
    """Is killed like an actor whose machine is gone, once, in the middle of its batch."""

    def images(self, batch: Mapping[str, NDArray[Any]]) -> Iterator[Any]:
        columns = (batch["image_id"].tolist(), batch["path"].tolist(), super().images(batch))
        for number, path, image in zip(*columns, strict=True):
            if number == COUNT // 2:
                try:
                    (Path(os.fsdecode(path)).parents[2] / "killed-once").touch(exist_ok=False)
                except FileExistsError:
                    pass
                else:
                    os.kill(os.getpid(), signal.SIGKILL)
            yield image


def test_an_actor_is_killed_in_the_middle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "Actor", Killed)
    run = ClusterRun(["images"], "killed", Path("model.xml"), actors=2)
    written = run.run(run.pictures())
    assert (folder / "killed-once").exists()
    assert (written.pictures, written.errors) == (COUNT, len(BAD))
    check("killed")


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_urls(folder: Path, scheme: str) -> None:
    """`file` is pyarrow's, `local` is read by fsspec, as stores are that pyarrow does not know."""
    url = f"{scheme}://{folder}"
    assert predict(f"{url}/images", "-o", f"{url}/{scheme}", "--actors", 2) == 1
    check(scheme, f"{url}/")


def test_an_object_store(capfd: pytest.CaptureFixture[str]) -> None:
    """S3 itself, by a server of this process."""
    server = moto_server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        at = "endpoint_override={}:{}".format(*server.get_host_and_port())
        options = f"{at}&scheme=http&region=us-east-1&allow_bucket_creation=true"
        store = opened(f"s3://key:secret@bucket?{options}").files
        store.create_dir("bucket")
        pyarrow.fs.copy_files("images", "bucket/images", destination_filesystem=store)
        url = "s3://key:secret@bucket/{}?" + options
        assert predict(url.format("images"), "-o", url.format("out"), "--actors", 2) == 1
        pyarrow.fs.copy_files("bucket/out", "s3", source_filesystem=store)
        assert predict("images", "-o", url.format("out")) == 1
    finally:
        server.stop()
    check("s3", "s3://bucket/")
    captured = capfd.readouterr()
    assert "secret" not in captured.out + captured.err
    assert "out: s3://bucket/out is there already" in captured.err
    assert "Written: s3://bucket/out/detections, s3://bucket/out/pictures" in captured.out


def test_options_and_kinds_of_inputs(capfd: pytest.CaptureFixture[str]) -> None:
    Path("list.txt").write_text("images/3/003.png\nabsent.png\nimages/2/009.png\n")
    Path("names.txt").write_text("\n".join(f"class {number}" for number in range(1, 9)))
    args = ["list.txt", "images/1/*8.png", "-t", "0.6", "--classes", "class 1,3", "--max-detections", 2]
    args += ["--labels", "names.txt"]
    assert main(["predict", "-m", "model.xml", "-o", "few.parquet", *map(str, args)]) == 1
    assert predict(*args, "-o", "few", "--actors", 1, "-nireq", 2, "-nstreams", 1) == 1
    assert table("few/detections").equals(pq.read_table("few.parquet"))
    errors = [one for one in table("few/pictures").to_pylist() if one["error"] is not None]
    assert [(one["image_id"], one["source"], one["reason"]) for one in lines("few.parquet.errors.jsonl")] == [
        (one["image_id"], one["file_name"], one["error"]) for one in errors
    ]
    capfd.readouterr()


def test_names_that_no_system_takes(capfd: pytest.CaptureFixture[str]) -> None:
    names = ["images/3/003.png", "a\ud800.png", "b\0.png", "../up.png", "images"]
    images = [{"id": 9 - at, "file_name": name} for at, name in enumerate(names)]
    Path("names.json").write_text(json.dumps({"images": images}))
    assert main(["predict", "names.json", "-m", "model.xml", "-o", "named.parquet"]) == 1
    assert predict("names.json", "-o", "named", "--actors", 1) == 1
    assert table("named/detections").equals(pq.read_table("named.parquet"))
    errors = {
        one["image_id"]: (one["file_name"], one["error"]) for one in table("named/pictures").to_pylist()
    }
    assert errors.pop(9) == ("images/3/003.png", None)
    assert errors == {
        one["image_id"]: (one["source"], one["reason"]) for one in lines("named.parquet.errors.jsonl")
    }
    capfd.readouterr()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["images", "--report", "page"], "engine: ray does without --report"),
        (["images", "names.json"], "a COCO annotations file cannot be combined with other inputs"),
        (["file:///names.json", "images"], "a COCO annotations file cannot be combined with other inputs"),
        (["file:///clip.mp4"], "input: expected the URL of a picture or folder, got file:///clip.mp4"),
        (["images", "--track", "--resume"], "engine: ray does without --track, --resume"),
        (["clip.mp4"], "engine: ray takes pictures, got clip.mp4"),
        (["0"], "engine: ray takes pictures, got camera 0"),
        (["images", "--classes", "cat"], "names this network knows (circle, square), got 'cat'"),
        (["images", "-t", "2"], "score_threshold: expected a number from 0 to 1"),
        (["nothing://here"], "nothing"),
        (["images", "-nthreads", "3"], "nthreads: expected at most 2, a machine's CPUs, got 3"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    capfd: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert predict(*args, "-o", "not") == 1
    captured = capfd.readouterr()
    assert captured.err.startswith("maskrle: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert not Path("not").exists()


def test_the_limit_of_pixels(capfd: pytest.CaptureFixture[str]) -> None:
    bomb("bomb.png", 20_000)
    assert predict("bomb.png", "images/3/003.png", "-o", "bomb", "--max-megapixels", 300) == 1
    assert "bomb.png: larger than the 300000000 pixels" in capfd.readouterr().err
    assert predict("bomb.png", "-o", "limit", "--actors", 1) == 1
    assert "bomb.png: larger than the 200000000 pixels" in capfd.readouterr().err


def test_segment_batch_in_a_pipeline_of_ones_own() -> None:
    pictures = ray.data.read_binary_files(str(Path("images/3").absolute()), include_paths=True)
    found = pictures.map_batches(
        SegmentBatch,
        fn_constructor_kwargs={"model": Path("model.xml").absolute(), "image": "bytes"},
        batch_size=10,
        num_cpus=0.5,  # reading needs some, too
        compute=ray.data.ActorPoolStrategy(size=2),
    )
    rows = {Path(row["path"]).name: row for row in found.take_all()}
    assert sorted(rows) == sorted(path.name for path in Path("images/3").iterdir())
    for name, row in rows.items():
        number = int(name[:3])
        assert (row["error"] is None) == (number not in BAD)
        assert row["error"] is not None or len(row["detections"]) == min(number % 10, 9)


def test_the_example_in_the_documents(folder: Path, tmp_path: Path) -> None:
    (example,) = documents.python("docs/ray.md", "py")
    here = {
        "s3://bucket/pictures": str(folder / "images"),
        "s3://bucket/found": str(tmp_path / "found"),
        "/models/model.xml": str(folder / "model.xml"),
        "num_cpus=4": "num_cpus=1",
        "size=3": "size=1",
    }
    for there, replacement in here.items():
        assert there in example
        example = example.replace(there, replacement)
    exec(compile(example, "docs/ray.md", "exec"), {})
    found = pq.read_table(tmp_path / "found").to_pylist()
    assert len(found) == COUNT
    assert sum(row["error"] is not None for row in found) == len(BAD)
