"""Measures the native kernel against its floor and its peers, in one run and one thread.

    python benchmarks/kernel.py                    # about three minutes
    python benchmarks/kernel.py --quick            # about one and a half
    python benchmarks/kernel.py --parts speed --out results

Writes kernel.md, kernel.json, ways.png/.svg and sizes.png/.svg. All are rewritten after every part, so a run
that is stopped leaves what it had.
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
import report
import scaling
import speed
import threads
from contestants import contestants, single_thread
from workload import SIZES

PARTS = ("speed", "latency", "scaling", "memory", "threads")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--out", type=Path, default=Path("benchmark-results"), help="folder for the results")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    single_thread()

    results = report.Results(machine=report.machine())
    for contestant in contestants():
        if contestant.missing:
            print(f"absent: {contestant.name} (no {', '.join(contestant.missing)})", file=sys.stderr)
    begin = time.monotonic()
    for part in options.parts:
        for label in _measure(part, results, quick=options.quick):
            print(f"{time.monotonic() - begin:6.0f} s  {label}", file=sys.stderr)
            _save(options.out, results)
    print(report.markdown(results))


def _measure(part: str, results: report.Results, *, quick: bool) -> Iterator[str]:
    """Fills in one part of the results, saying what is done whenever a piece of it is."""
    contestants()[0].prepare()  # the best backend
    match part:
        case "speed":
            for size in SIZES:
                results.speed.append(speed.run(size, quick=quick))
                yield f"speed, {size}"
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


def _save(folder: Path, results: report.Results) -> None:
    (folder / "kernel.md").write_text(report.markdown(results))
    (folder / "kernel.json").write_text(json.dumps(report.jsonable(results), indent=1) + "\n")
    try:
        import plots
    except ImportError as error:
        print(f"no plots: {error}", file=sys.stderr)
        return
    plots.save(folder, results.speed, results.scaling)


if __name__ == "__main__":
    main()
