"""What a run keeps for its page while it goes on, and the page at its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import replacing
from ..results import Instances
from .page import Facts, write_page
from .thumbnail import summary, thumbnail

__all__ = ["Report", "page_in"]

_ROOM = 32 << 20
"""Bytes that the pictures of a page may take: what a browser opens without complaint."""
_MOST = 2000
"""Pictures of a page, however small they are."""
_PICTURE, _INSTANCE = 1000, 250
"""Bytes that a picture and an instance take besides their pixels and paths, more rather than less."""


class Report:
    """A page of a run, `DIR/index.html`: what it needs of each picture lies in the run's records.

    All pictures are counted, and as many shown as there is room for: every one, every second, every fourth,
    ... Which ones follows from the records alone, so a run that is taken up again makes the same page.

    Args:
        directory: DIR.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = page_in(directory)
        for left in directory.glob(f".{self._path.name}.*.tmp"):
            left.unlink()  # of a run that was killed while it wrote the page
        self._step = 1
        self._count = self._taken = 0
        self._shown: deque[tuple[int, int]] = deque()

    def wants(self, position: int) -> bool:
        """Whether the picture at this position of the run, from 0, may be shown."""
        return position % self._step == 0

    @staticmethod
    def part(instances: Instances, image: NDArray[np.uint8], *, shown: bool) -> dict[str, Any]:
        """What a picture's record is to have under "report". May be called from any thread."""
        return summary(instances) | (thumbnail(instances, image) if shown else {})

    def add(self, record: dict[str, Any]) -> None:
        """The next record of the run, in order. A thumbnail that is not to be shown after all is removed."""
        position, part = self._count, record.get("report", {})
        self._count += 1
        if "pixels" not in part:
            return
        if not self.wants(position):
            for name in ("pixels", "size", "instances"):
                del part[name]
            return
        drawn = sum(_INSTANCE + len(path) for *_, path in part["instances"])
        size = max(_PICTURE + len(part["pixels"]) + drawn, _ROOM // _MOST)
        self._shown.append((position, size))
        self._taken += size
        while self._taken > _ROOM and len(self._shown) > 1:
            self._step *= 2
            self._shown = deque(one for one in self._shown if self.wants(one[0]))
            self._taken = sum(size for _, size in self._shown)

    def write(self, records: Iterable[Mapping[str, Any]], names: Mapping[int, str], facts: Facts) -> None:
        """Write the page, whole or not at all, from all records; they are gone through twice."""
        with replacing(self._path) as file:
            write_page(file, records, self._step, names, facts)


def page_in(directory: Path) -> Path:
    """The file that a report is."""
    return directory / "index.html"
