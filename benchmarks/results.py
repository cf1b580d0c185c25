"""What a run measured, and on which machine."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass, field
from typing import Any

from contestants import PACKAGES, threads_as_shipped
from latency import Latency
from memory import Memory
from pipeline import Pipeline
from scaling import Point
from speed import Speed
from threads import Threads
from throughput import Throughput

import maskrle
from maskrle.benchmark.machine import cpu_model, load_average, versions


@dataclass
class Results:
    """Empty where a part was left out."""

    machine: dict[str, Any] = field(default_factory=dict)
    speed: list[Speed] = field(default_factory=list)
    shipped: list[Speed] = field(default_factory=list)
    latency: Latency | None = None
    scaling: list[Point] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    threads: Threads | None = None
    pipeline: list[Pipeline] = field(default_factory=list)
    throughput: Throughput | None = None


def machine() -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "load_average": load_average(),
        "threads_as_shipped": threads_as_shipped(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(PACKAGES),
        "maskrle_build": {k: v for k, v in maskrle.build_config().items() if k != "backend"},
        "backends": maskrle.backends(),
    }


def jsonable(value: Any) -> Any:
    """Named tuples and dataclasses as dicts."""
    if hasattr(value, "_asdict"):
        return {key: jsonable(part) for key, part in value._asdict().items()}
    if isinstance(value, Results):
        return {key: jsonable(part) for key, part in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(part) for part in value]
    return value
