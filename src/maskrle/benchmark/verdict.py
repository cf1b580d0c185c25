"""Whether two ways give the same bytes, and if not, how far they are apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..native import RLEBatch, decode
from .ways import Rles

__all__ = ["Verdict", "compare"]

_KNOWN = 1e-5
"""Part of an image's pixels that other orders of rounding flip at most."""


class Verdict(NamedTuple):
    """What a comparison of masks found."""

    masks: int
    differing_masks: int
    differing_pixels: int
    on_pixels: int  # of the expected masks that differ
    pixels: int  # of all images

    def plus(self, other: Verdict) -> Verdict:
        """Both comparisons taken together."""
        return Verdict(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def fit(self) -> bool:
        """Equal, but for single pixels where OpenCV or an order of rounding decides."""
        return self.differing_pixels <= _KNOWN * self.pixels

    def __str__(self) -> str:
        if self.differing_masks == 0:
            return f"{self.masks} of {self.masks} masks identical"
        part = self.differing_pixels / max(self.on_pixels, 1)
        return (
            f"{self.differing_masks} of {self.masks} masks differ, by {self.differing_pixels:,} pixels "
            f"({part:.2g} of their area)"
        )


def compare(got: Rles | RLEBatch, expected: Rles) -> Verdict:
    """Holds COCO dicts against those that are expected, byte by byte."""
    if len(got) != len(expected):
        raise RuntimeError(f"expected {len(expected)} masks, got {len(got)}")
    masks = pixels = area = total = 0
    for one, other in zip(got, expected, strict=True):
        if list(one["size"]) != list(other["size"]):
            raise RuntimeError(f"expected a mask of {other['size']}, got {one['size']}")
        total += other["size"][0] * other["size"][1]
        if one["counts"] == other["counts"]:
            continue
        mine, theirs = decode(one), decode(other)
        masks += 1
        pixels += int(np.count_nonzero(mine != theirs))
        area += int(np.count_nonzero(theirs))
    return Verdict(len(expected), masks, pixels, area, total)
