"""Builds floor.c with the system's C compiler into a temporary folder and wraps it."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from distribution import run_lengths

from maskrle.benchmark.timing import SWEEP_BYTES, sweep
from maskrle.benchmark.workload import Workload

FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")


class FloorUnavailable(RuntimeError):
    """No C compiler, or no Python headers."""


@functools.cache
def _module() -> ModuleType:
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise FloorUnavailable("no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"maskrle_floor{sysconfig.get_config_var('EXT_SUFFIX')}"
        source = Path(__file__).with_name("floor.c")
        include = sysconfig.get_path("include")
        command = [compiler, *FLAGS, f"-I{include}", str(source), "-o", str(library)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            raise FloorUnavailable(f"floor.c does not compile: {built.stderr.strip()[:500]}")
        spec = importlib.util.spec_from_file_location("maskrle_floor", library)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


class Floor:
    """The floor of one workload: its run lengths are known before the clock runs."""

    def __init__(self, work: Workload, rles: list[dict[str, Any]]) -> None:
        self._run = _module().run
        runs = [run_lengths(rle["counts"]) for rle in rles]
        self._runs = np.concatenate([*runs, []]).astype(np.int32)
        self._offsets = np.concatenate([[0], np.cumsum([len(r) for r in runs])]).astype(np.int64)
        self._channel_bytes = work.masks.itemsize * work.masks.shape[2] * work.masks.shape[3]
        self._work = work

    def __call__(self) -> list[dict[str, Any]]:
        work = self._work
        return self._run(
            work.masks, work.channels, self._runs, self._offsets, self._channel_bytes, work.image_size
        )


def make_cold(work: Workload) -> str:
    """Throws the chosen channels out of all caches; returns how."""
    try:
        channel_bytes = work.masks.itemsize * work.masks.shape[2] * work.masks.shape[3]
        if _module().evict(work.masks, work.channels, channel_bytes):
            return "cache lines flushed"
    except FloorUnavailable:
        pass
    sweep()
    return f"{SWEEP_BYTES >> 20} MB written in between"
