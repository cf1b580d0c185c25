"""Whether a contestant gives the same bytes as accuracy_checker's way, and if not, how far it is off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from contestants import BASELINE, Contestant, Rles, Way, contestants, reference_way
from workload import Workload

import maskrle


class Verdict(NamedTuple):
    masks: int
    differing_masks: int
    differing_pixels: int
    on_pixels: int  # of the expected masks that differ

    def plus(self, other: Verdict) -> Verdict:
        return Verdict(*(a + b for a, b in zip(self, other, strict=True)))

    def __str__(self) -> str:
        if self.differing_masks == 0:
            return f"{self.masks} of {self.masks} masks identical"
        part = self.differing_pixels / max(self.on_pixels, 1)
        return (
            f"{self.differing_masks} of {self.masks} masks differ, by {self.differing_pixels:,} pixels "
            f"({part:.2g} of their area)"
        )


def truth() -> tuple[str, Way]:
    """What all are compared with, and by whom: the specification where accuracy_checker's packages lack."""
    baseline = next(c for c in contestants() if c.name == BASELINE)
    if baseline.missing:
        return "maskrle.reference", reference_way
    return BASELINE, baseline.make()


def verify(way: Way, work: Workload, expected: Rles) -> Verdict:
    return compare(way(work), expected)


def own_convention(contestant: Contestant, way: Way, work: Workload) -> Verdict | None:
    """Of a contestant with a convention of its own: against maskrle with that convention."""
    if contestant.paste == "omz":
        return None
    mine = maskrle.encode(work.masks, work.boxes, work.image_size, work.channels, paste=contestant.paste)
    return verify(way, work, list(mine))


def compare(got: Rles | maskrle.RLEBatch, expected: Rles) -> Verdict:
    assert len(got) == len(expected)
    masks = pixels = area = 0
    for one, other in zip(got, expected, strict=True):
        assert list(one["size"]) == list(other["size"])
        if one["counts"] == other["counts"]:
            continue
        mine, theirs = maskrle.decode(one), maskrle.decode(other)
        masks += 1
        pixels += int(np.count_nonzero(mine != theirs))
        area += int(np.count_nonzero(theirs))
    return Verdict(len(expected), masks, pixels, area)
