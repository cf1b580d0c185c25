"""Puts the figures of results/report.json into the documents, between their markers.

python benchmarks/readme.py
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results/report.json"
_NAMES = {
    "accuracy_checker": "accuracy_checker (OpenCV + pycocotools)",
    "Model API": "OpenVINO Model API (+ pycocotools)",
    "torch paste": "detectron2's way (torch + pycocotools)",
    "rlemasklib": "rlemasklib, the fastest library we found",
    "cv2 strip": "OpenCV in the box's columns alone, + pycocotools",
    "numba": "the same idea in numba",
}
_COUNT = 100


def main() -> None:
    report = json.loads(RESULTS.read_text())
    for path, text in documents(report).items():
        path.write_text(text)


def documents(report: dict[str, Any]) -> dict[Path, str]:
    """Documents with the figures of a report in their places."""
    texts: dict[Path, str] = {}
    for name, block, make in (
        ("README.md", "speed", _speed),
        ("README.md", "server", _server),
        ("docs/predict.md", "pipeline", _pipeline),
    ):
        path = ROOT / name
        texts[path] = placed(texts.get(path) or path.read_text(), block, make(report))
    return texts


def placed(text: str, block: str, content: str) -> str:
    """The text with other content between the markers of a block."""
    begin, end = f"<!-- figures: {block}, by `make bench` -->\n", f"<!-- figures: end of {block} -->\n"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    changed, times = pattern.subn(lambda _: f"{begin}\n{content.strip()}\n\n{end}", text)
    if times != 1:
        raise ValueError(f"expected markers of {block} once, found them {times} times")
    return changed


def picture(name: str, alternative: str, up: str = "") -> str:
    """A plot, in the colours of the page that it is on."""
    path = f"{up}benchmarks/results/{name}"
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{path}-dark.svg">\n'
        f'  <img alt="{alternative}" src="{path}-light.svg">\n'
        "</picture>"
    )


def _speed(report: dict[str, Any]) -> str:
    cells = [cell for cell in report["speed"] if cell["count"] == _COUNT]
    rows = [{row["name"]: row for row in cell["rows"]} for cell in cells]
    ours = [row["name"] for row in cells[0]["rows"] if row["name"].startswith("maskrle")]
    best, *weaker = [name for name in ours if "," not in name]
    lines = [
        _text(
            f"From `[{_COUNT}, 90, 33, 33]` masks to the list of COCO dicts, one thread, masks not in the",
            f"cache, in microseconds a mask ({_machine(report)}; in brackets, how many times as long as",
            "maskrle: medians of ratios within rounds of one run):",
        ),
        "",
        _table(["", *(cell["size"] for cell in cells)]),
        _row("**maskrle**", [brief(of[best]["per_mask"]["median"]) for of in rows]),
    ]
    for name, shown in _NAMES.items():
        if all(name in of and of[name]["per_mask"] for of in rows):
            lines.append(_row(shown, [_against(of[name]) for of in rows]))
        elif name in rows[0]:
            lines.append(_row(shown, [f"absent: {of[name]['absent']}" for of in rows]))
    notes = []
    if all(of["floor"]["per_mask"] for of in rows):
        floors = _list([brief(of["floor"]["per_mask"]["median"]) for of in rows])
        over = _list([f"{of[best]['over_floor']['median']:.1f}" for of in rows])
        notes.append(
            "A floor that only fetches the masks, writes strings of known runs and makes the dicts, in C, "
            f"takes {floors}: maskrle stands at {over} times that."
        )
    kernels = "; ".join(
        f"{name.removeprefix('maskrle ')} {_list([brief(of[name]['per_mask']['median']) for of in rows])}"
        for name in weaker
    )
    if kernels:
        notes.append(f"With other kernels: {kernels}.")
    notes.append("All figures: [benchmarks/results/report.md](benchmarks/results/report.md).")
    lines += ["", _text(*notes), "", picture("ways", "Microseconds per mask by way")]
    if report["scaling"]:
        lines += [
            "",
            "The cost grows with the width of the boxes and the number of runs, not with the pixels:",
            "",
            picture("sizes", "Cost against the size of the image"),
        ]
    return "\n".join(lines)


def _server(report: dict[str, Any]) -> str:
    """The Amdahl view; the formula is that of amdahl.py."""
    cells = {cell["size"]: cell for cell in report["speed"] if cell["count"] == _COUNT}
    rows = {row["name"]: row for row in cells["800x1365"]["rows"] if row["per_mask"]}
    best = next(name for name in rows if name.startswith("maskrle"))
    cost = {name: rows[name]["per_mask"]["median"] * _COUNT / 1e3 for name in (best, "accuracy_checker")}

    def share(name: str, inference: float) -> str:
        return f"{100 * cost[name] / (inference + cost[name]):.2g}%"

    times = (10, 50, 200, 1000)
    theirs, mine = ([share(name, t) for t in times] for name in ("accuracy_checker", best))
    notes = [
        f"Of a core's throughput, post-processing {_COUNT} detections in an image of 800 x 1365 takes",
        f"{_list(theirs)} by accuracy_checker's way where inference takes",
        f"{_list([f'{t:,}' for t in times])} ms of a core, and {_list(mine)} by maskrle's.",
    ]
    if report["throughput"]:
        found = report["throughput"]
        rate = found["gigaflops"]["median"]
        one = 1e3 * 675.314 * found["cores"] / rate
        notes += [
            "A network as heavy as `mask_rcnn_inception_resnet_v2_atrous_coco` (675 GFLOPs) would take about",
            f"{one / 1e3:.1f} s of a core here, estimated from the {rate:.0f} GFLOP/s that OpenVINO reached",
            f"on {found['cores']} cores in f32; there it is {share('accuracy_checker', one)} and",
            f"{share(best, one)}.",
        ]
    lines = [_text(*notes)]
    lines += ["", picture("amdahl", "Share of throughput that post-processing takes, by time of inference")]
    if report["pipeline"]:
        lines += [
            "",
            "Whole pipelines, images a second with each way of post-processing:",
            "",
            picture("pipeline", "Images a second of a pipeline by its post-processing"),
        ]
    return "\n".join(lines)


def _pipeline(report: dict[str, Any]) -> str:
    networks = report["pipeline"]
    lines = [
        _text(
            "Images a second as a share of bare inference, where OpenVINO runs the same network and nothing",
            f"is done with the outputs ({_machine(report)}; all of it, with the time of each stage, in",
            "[benchmarks/results/report.md](../benchmarks/results/report.md)). The networks answer with 100",
            "detections of 90 classes; images of 480 x 640 in memory; medians of",
            f"{networks[0]['bare']['samples']} rounds.",
        ),
        "",
        _table(["post-processing by", *(f"{one['milliseconds']} ms an image" for one in networks)]),
    ]
    for place, row in enumerate(networks[0]["rows"]):
        of = [one["rows"][place] for one in networks]
        name = _NAMES.get(row["name"], row["name"]).replace(", the fastest library we found", "")
        lines.append(
            _row(
                name, [f"{r['share']['median']:.2f}" if r["share"] else f"absent: {r['absent']}" for r in of]
            )
        )
    ours = [next(row["stages"] for row in one["rows"] if row["name"] == "maskrle") for one in networks]
    parts = _list([f"{100 * stages['postprocess'] / sum(stages.values()):.1f}" for stages in ours])
    lines += ["", f"Of a worker's time, maskrle's post-processing is {parts} %."]
    lines += ["", picture("pipeline", "Images a second of a pipeline by its post-processing", up="../")]
    return "\n".join(lines)


def _machine(report: dict[str, Any]) -> str:
    info = report["machine"]
    load = f"load {info['load_average']:.1f}"
    return f"`make bench`, {info['cpu']}, {info['cores']} cores, {load}, {info['date'][:10]}"


def _against(row: dict[str, Any]) -> str:
    ratio = row["against_maskrle"]["median"]
    return f"{brief(row['per_mask']['median'])} ({ratio:,.0f}x)"


def brief(value: float) -> str:
    return f"{value:.2f}" if value < 3 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _text(*parts: str) -> str:
    return textwrap.fill(" ".join(parts), 118, break_long_words=False, break_on_hyphens=False)


def _list(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def _table(head: list[str]) -> str:
    return f"{_row(head[0], head[1:])}\n{'|---' * len(head)}|"


def _row(name: str, cells: list[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"


if __name__ == "__main__":
    main()
