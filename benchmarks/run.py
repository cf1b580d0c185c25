"""Measures maskrle against its floor and its peers, alone and in pipelines, and writes the whole report.

    python benchmarks/run.py                       # about twelve minutes on two idle cores
    python benchmarks/run.py --quick               # about four
    python benchmarks/run.py --parts speed --out results

Writes report.md, report.json and plots. All are rewritten after every part, so a run that is stopped leaves
what it had. `readme.py` puts the figures into the documents.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import latency
import memory
import pipeline
import scaling
import speed
import threads
import throughput
from contestants import contestants, threads_as_shipped, use_threads
from report import markdown
from results import Results, jsonable, machine

from maskrle.benchmark.workload import SIZES, coco_like

PARTS = ("speed", "shipped", "latency", "scaling", "memory", "threads", "throughput", "pipeline")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--out", type=Path, default=Path("benchmark-results"), help="folder for the results")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    threads_as_shipped()
    use_threads(single=True)

    results = Results(machine=machine())
    nothing = coco_like(0, (1, 1))
    for contestant in contestants():
        if reason := contestant.absent(nothing):
            print(f"absent: {contestant.name}: {reason}", file=sys.stderr)
    begin = time.monotonic()
    for part in options.parts:
        for label in _measure(part, results, quick=options.quick):
            print(f"{time.monotonic() - begin:6.0f} s  {label}", file=sys.stderr)
            _save(options.out, results)
    print(markdown(results))


def _measure(part: str, results: Results, *, quick: bool) -> Iterator[str]:
    """Fills in one part of the results, saying what is done whenever a piece of it is."""
    contestants()[0].prepare()  # the best backend
    match part:
        case "speed":
            for count in speed.COUNTS:
                for size in SIZES:
                    results.speed.append(speed.run(size, count, quick=quick))
                    yield f"speed, {size}, N={count}"
        case "shipped":
            for size in SIZES:
                results.shipped.append(speed.run(size, 100, single_thread=False, quick=quick))
                yield f"speed as shipped, {size}, N=100"
        case "latency":
            results.latency = latency.run(quick=quick)
            yield part
        case "scaling":
            results.scaling = scaling.run(quick=quick)
            yield part
        case "memory":
            results.memory = memory.run()
            yield part
        case "threads":
            results.threads = threads.run(quick=quick)
            yield part
        case "throughput":
            results.throughput = throughput.run(quick=quick)
            yield part
        case "pipeline":
            for milliseconds in pipeline.TARGETS:
                results.pipeline.append(pipeline.run(milliseconds, quick=quick))
                yield f"pipeline, {milliseconds} ms an image"


def _save(folder: Path, results: Results) -> None:
    (folder / "report.md").write_text(markdown(results))
    (folder / "report.json").write_text(json.dumps(jsonable(results), indent=1) + "\n")
    try:
        import plots
    except ImportError as error:
        print(f"no plots: {error}", file=sys.stderr)
        return
    plots.save(folder, results)


if __name__ == "__main__":
    main()
