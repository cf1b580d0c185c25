"""What makes average precision mean less than it seems to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["LEAST_SCORE", "cautions"]

LEAST_SCORE = 0.05
"""Detections from this score on leave AP as it is, nearly; networks are usually evaluated so."""
_DETECTIONS = 100
"""Detections of an image that COCO's AP counts."""
_SHOWN = 5


def cautions(
    found: Sequence[Mapping[str, Any]], truth: Mapping[str, Any], run: Mapping[str, Any] | None
) -> Iterator[str]:
    """Reasons, in words, why the average precision of these results is not the network's.

    Args:
        found: COCO result dicts, at least one.
        truth: COCO annotations.
        run: what `maskrle predict` recorded of its run; None where that is not known.
    """
    yield from _cut(min(one["score"] for one in found), run)
    run = run or {}
    most = run.get("max_detections")
    if isinstance(most, int) and most < _DETECTIONS:
        yield f"the run kept {most} detections of an image at most; COCO's AP counts up to {_DETECTIONS}"
    if run.get("classes"):
        yield f"the run kept only the classes {', '.join(run['classes'])}; all others count as missed"
    known = {one["id"] for one in truth["categories"]}
    strange = sorted({str(one["category_id"]) for one in found if one["category_id"] not in known})
    if strange:
        count = sum(one["category_id"] not in known for one in found)
        listed = ", ".join(strange[:_SHOWN]) + (", ..." if len(strange) > _SHOWN else "")
        yield (
            f"{count} of {len(found)} results are of classes that the annotations do not have ({listed}) "
            "and count for nothing. Are the classes numbered alike?"
        )


def _cut(least: float, run: Mapping[str, Any] | None) -> Iterator[str]:
    advice = f"AP lacks the recall below; predict with -t {LEAST_SCORE} or less"
    threshold = None if run is None else run.get("threshold")
    if isinstance(threshold, (int, float)):
        if threshold > LEAST_SCORE:
            yield f"the run dropped scores below {threshold:g}: {advice}"
    elif least > LEAST_SCORE:
        yield f"no score is below {least:.3g}, as if the results were cut there: {advice}"
