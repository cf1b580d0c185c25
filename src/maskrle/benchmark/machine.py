"""Where something was measured: the processor, the kernel that runs on it, versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["cpu_model", "load_average", "versions"]

_DISTRIBUTIONS = {
    "cv2": (
        "opencv-python-headless",
        "opencv-python",
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
    ),
    "model_api": ("openvino-model-api",),
}
"""Names of distributions, where they are not those of the modules."""


def cpu_model() -> str:
    """The processor's name as the system has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


def load_average() -> float | None:
    """Of the last minute, where the system counts it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Of each module's distribution: "absent" where there is none."""
    return {module: next(_found(_DISTRIBUTIONS.get(module, (module,))), "absent") for module in modules}


def _found(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        try:
            yield version(name)
        except PackageNotFoundError:
            continue
