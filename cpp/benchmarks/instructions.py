"""Counts the instructions of fixed work by callgrind, and compares them with the committed figures.

Instructions do not depend on what else the machine does, so a change of 2 % shows, where timings of one build
differ by more. They depend on the compiler: figures are kept for each one, and where there are none for this
one, that is said and nothing is compared. Fewer instructions must be accepted too, or later losses up to the
old figure would pass.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FIGURES = Path(__file__).with_name("instructions.json")
PROGRAM = "cpp/benchmarks/count_instructions"
# Valgrind 3.19 knows no AVX-512; kernels are forced, never detected.
KERNELS = {"x86_64": ("avx2", "baseline"), "aarch64": ("neon",)}
TOLERANCE = 0.02

Counts = dict[str, dict[str, int]]  # of each kernel, of each work


class CountError(RuntimeError):
    """Instructions cannot be counted here, and why."""


def count(program: Path, kernel: str) -> tuple[str, dict[str, int]]:
    """The compiler of `program`, and the instructions of each of its works."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CountError("valgrind is not installed (Debian: apt-get install valgrind)")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind"
        run = subprocess.run(
            [
                valgrind,
                "--tool=callgrind",
                "--toggle-collect=counted",
                "--dump-after=counted",
                f"--callgrind-out-file={out}",
                str(program),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"MASKRLE_BACKEND": kernel},
        )
        if run.returncode != 0:
            raise CountError(f"{program.name} failed with kernel {kernel}:\n{run.stderr}{run.stdout}")
        compiler, used, *names = run.stdout.splitlines()
        if used != kernel:
            raise CountError(f"{program.name} ran kernel {used}, not {kernel}")
        totals = {}
        for part, name in enumerate(names, 1):  # callgrind numbers its dumps from 1
            found = re.search(r"^totals: (\d+)$", Path(f"{out}.{part}").read_text(), re.MULTILINE)
            if found is None or int(found[1]) == 0:
                raise CountError(f"callgrind counted nothing in '{name}'")
            totals[name] = int(found[1])
    return compiler, totals


def compare(counts: Counts, accepted: Counts) -> tuple[list[str], list[str]]:
    """A line for each work, and what must be accepted or mended."""
    lines, findings = [], []
    for kernel in sorted(counts | accepted):
        for name in counts.get(kernel, {}) | accepted.get(kernel, {}):
            now, before = counts.get(kernel, {}).get(name), accepted.get(kernel, {}).get(name)
            what = f"{kernel:9s} {name:40s}"
            if now is None or before is None:
                findings.append(f"{what} {'is not counted any more' if now is None else 'has no figure yet'}")
                continue
            change = now / before - 1
            lines.append(f"{what} {now:>12,d} {before:>12,d} {change:+7.2%}")
            if abs(now - before) > TOLERANCE * before:
                findings.append(f"{what} {change:+.2%}: {'more' if change > 0 else 'fewer'} instructions")
    return lines, findings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build", type=Path, help="folder of the build, as of the preset 'bench'")
    parser.add_argument("--accept", action="store_true", help="make today's counts the figures")
    options = parser.parse_args(arguments)
    machine = platform.machine()
    try:
        if machine not in KERNELS:
            raise CountError(f"no kernels are counted on {machine}, only on {', '.join(KERNELS)}")
        results = {kernel: count(options.build / PROGRAM, kernel) for kernel in KERNELS[machine]}
    except CountError as error:
        print(f"instructions: {error}", file=sys.stderr)
        return 1
    counts = {kernel: totals for kernel, (_, totals) in results.items()}
    key = f"{next(iter(results.values()))[0]}, {machine}"
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if options.accept:
        FIGURES.write_text(json.dumps(figures | {key: counts}, indent=2) + "\n")
        print(f"accepted for {key}: {FIGURES}")
        return 0
    if key not in figures:
        print(f"NOT COMPARED: figures are for {'; '.join(figures)}, and this is {key}.")
        print("`make accept-instructions` adds figures for it: do so before a change, then compare.")
        return 0
    lines, findings = compare(counts, figures[key])
    print(f"{key:50s} {'now':>12s} {'figure':>12s}  change", *lines, sep="\n")
    if findings:
        print(
            f"\nBeyond {TOLERANCE:.0%}; if that is as meant, `make accept-instructions`:", *findings, sep="\n"
        )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
