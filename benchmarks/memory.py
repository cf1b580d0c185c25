"""Memory that a call takes at its peak beyond its results, on an 8K image.

Each way runs in a process of its own under heap.c, which counts every byte from malloc, calloc, realloc and
the aligned ones; PYTHONMALLOC=malloc makes Python's own objects count too.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

METHOD = (
    "malloc counted by a preloaded library, PYTHONMALLOC=malloc: peak during the call less what it leaves"
)
IMAGE_SIZE = (4320, 7680)
TO_BATCH = "maskrle, to RLEBatch"  # without the list of dicts, which holds every string once more
WAYS = (TO_BATCH, "maskrle", "numba", "rlemasklib", "cv2 strip", "accuracy_checker")
_COUNTS = {TO_BATCH: 100, "maskrle": 100, "numba": 100}


class Memory(NamedTuple):
    name: str
    masks: int
    peak_bytes: int  # beyond what was held before the call
    result_bytes: int  # that the call leaves
    absent: str = ""

    @property
    def beyond_results(self) -> int:
        return self.peak_bytes - self.result_bytes


def run() -> list[Memory]:
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        return [Memory(name, 0, 0, 0, "needs Linux and a C compiler") for name in WAYS]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "heap.so"
        source = Path(__file__).with_name("heap.c")
        built = subprocess.run(
            [compiler, "-O2", "-fno-builtin", "-shared", "-fPIC", str(source), "-o", str(library)],
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            return [Memory(name, 0, 0, 0, "heap.c does not compile here") for name in WAYS]
        return [_in_a_process(name, library) for name in WAYS]


def _in_a_process(name: str, library: Path) -> Memory:
    done = subprocess.run(
        [sys.executable, __file__, name],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return Memory(name, 0, 0, 0, done.stderr.strip().splitlines()[-1])
    return Memory(**json.loads(done.stdout))


def main(name: str) -> None:
    from contestants import contestants

    from maskrle.benchmark.ways import to_batch
    from maskrle.benchmark.workload import coco_like

    heap = ctypes.CDLL(None)
    for function in (heap.heap_live, heap.heap_peak):
        function.restype = ctypes.c_long
    contestant = next(c for c in contestants() if c.name.startswith(name.split(",")[0]))
    if contestant.missing:
        raise SystemExit(f"{', '.join(contestant.missing)} not installed")
    way = contestant.make()
    if name == TO_BATCH:
        way = to_batch
    count = _COUNTS.get(name, 10)
    work = coco_like(100, IMAGE_SIZE).representative(count)
    way(coco_like(1, (48, 64)))  # what a first call of any size loads and compiles
    heap.heap_reset()
    before = heap.heap_live()
    result = way(work)
    after, peak = heap.heap_live(), heap.heap_peak()
    assert len(result) == count
    numbers = {"masks": count, "peak_bytes": peak - before, "result_bytes": after - before}
    print(json.dumps({"name": name, **numbers}))


if __name__ == "__main__":
    main(sys.argv[1])
