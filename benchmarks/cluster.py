"""What a run on a cluster takes for each picture, and what a billion of them would cost.

    python benchmarks/cluster.py [-m MODEL] [--pictures FOLDER] [--images N] [--cpus C] [--price P]
                                 [--out DIR]

Runs `maskrle predict --engine ray` over N pictures on all CPUs of this machine: generated scenes of 480 x 640
as JPEG and the embedded network, or one's own. With a quarter of them and with all, by turns, the best of
three: the difference is the steady rate, the rest is what starting takes. Beside it the local engine over the
same pictures. Needs the extra `ray`, and a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import pyarrow.parquet as pq

import maskrle
from maskrle.benchmark.machine import cpu_model, load_average, versions

BILLION = 10**9
_ROUNDS = 3


def scenes(folder: Path, count: int) -> None:
    """That many files, all different: Parquet would compress what is there twice."""
    for seed in range(count):
        content = cv2.imencode(".jpg", maskrle.shapes.scene(seed, (480, 640))[0])[1]
        (folder / f"{seed:06}.jpg").write_bytes(content.tobytes())


def seconds(pictures: Path, out: Path, *options: str) -> float:
    command = [sys.executable, "-m", "maskrle", "predict", str(pictures), "-o", str(out), *options]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def measured(pictures: list[Path], options: list[str], cpus: int) -> dict[str, Any]:
    on_ray = ["--engine", "ray", "-nthreads", str(cpus)]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        few = len(pictures) // 4
        for part, count in (("few", few), ("all", len(pictures))):
            (root / f"{part}.txt").write_text("\n".join(map(str, pictures[:count])))
        times: dict[tuple[str, str], float] = {}
        for turn in range(_ROUNDS):
            for engine, more, suffix in (("ray", on_ray, ""), ("local", [], ".parquet")):
                for part in ("few", "all"):
                    out = root / f"{engine}-{part}-{turn}{suffix}"
                    taken = seconds(root / f"{part}.txt", out, *options, *more)
                    times[engine, part] = min(taken, times.get((engine, part), taken))
        written = sum(path.stat().st_size for path in (root / "ray-all-0").rglob("*.parquet"))
        rows = pq.read_table(root / "ray-all-0/detections").num_rows
        if rows != pq.read_table(root / "local-all-0.parquet").num_rows:
            raise RuntimeError("the engines differ")
    if any(times[engine, "all"] <= times[engine, "few"] for engine in ("ray", "local")):
        raise RuntimeError(f"the machine is too busy to measure anything: seconds {times}")
    rates = {
        engine: (len(pictures) - few) / (times[engine, "all"] - times[engine, "few"])
        for engine in ("ray", "local")
    }
    cores = len(os.sched_getaffinity(0))
    return {
        "images": len(pictures),
        "bytes_in": sum(path.stat().st_size for path in pictures) / len(pictures),
        "bytes_out": written / len(pictures),
        "detections": rows / len(pictures),
        "cores": cores,
        "cpus": cpus,
        "rates": rates,
        "per_core": rates["ray"] / cores,
        "start": max(0.0, times["ray", "all"] - len(pictures) / rates["ray"]),
    }


def report(found: dict[str, Any], price: float) -> str:
    hours = BILLION / found["per_core"] / 3600
    packages = ", ".join(map(" ".join, versions(("openvino", "ray")).items()))
    lines = [
        "# A run on a cluster",
        "",
        f"{cpu_model()}, load average {load_average()} at the end, {packages}",
        "",
        "| | |",
        "|---|---|",
        f"| pictures | {found['images']}, {found['bytes_in'] / 1e3:.0f} kB each |",
        f"| images/s on {found['cores']} cores: ray | {found['rates']['ray']:.1f} |",
        f"| images/s on {found['cores']} cores: local | {found['rates']['local']:.1f} |",
        f"| **images/s per core** (ray, {found['cpus']} CPUs an actor) | **{found['per_core']:.2f}** |",
        f"| seconds to start | {found['start']:.0f} |",
        f"| detections an image | {found['detections']:.1f} |",
        f"| **bytes an image out** | **{found['bytes_out']:.0f}** |",
        "",
        "A billion pictures at that:",
        "",
        "| | |",
        "|---|---|",
        f"| core-hours | 10^9 / {found['per_core']:.2f} / 3600 = {hours:,.0f} |",
        f"| days on 1,000 cores | {hours / 1000 / 24:.1f} |",
        f"| Parquet out | 10^9 x {found['bytes_out']:.0f} B = {found['bytes_out'] / 1e3:.2f} TB |",
        f"| pictures in | 10^9 x {found['bytes_in'] / 1e3:.0f} kB = {found['bytes_in'] / 1e3:,.0f} TB |",
        f"| cost, **assuming** {price} a core-hour | {hours * price:,.0f} |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-m", "--model", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder of one's own pictures")
    parser.add_argument("--images", type=int, default=800)
    parser.add_argument("--cpus", type=int, default=1, help="of each actor")
    parser.add_argument("--price", type=float, default=0.04, help="of a core-hour, in any currency")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    options = [] if given.model is None else ["-m", str(given.model.absolute())]
    with tempfile.TemporaryDirectory() as name:
        if given.pictures is None:
            scenes(Path(name), given.images)
        folder = given.pictures or Path(name)
        pictures = sorted(path.absolute() for path in folder.rglob("*") if path.is_file())[: given.images]
        found = measured(pictures, options, given.cpus)
    text = report(found, given.price)
    print(text)
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "cluster.md").write_text(text)
        (given.out / "cluster.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
