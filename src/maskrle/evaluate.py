"""COCO's average precision of boxes and masks, counted by pycocotools (the extra `eval`)."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .coco_format import check_annotations, check_results

__all__ = ["METRICS", "Evaluation", "evaluate"]

METRICS = (
    "AP", "AP50", "AP75", "AP small", "AP medium", "AP large",
    "AR 1", "AR 10", "AR 100", "AR small", "AR medium", "AR large",
)  # fmt: skip
"""COCO's twelve numbers: average precision by IoU and by area, average recall by detections and by area."""
_KINDS = {"box": ("bbox", "segmentation"), "mask": ("segm", "bbox")}
"""What is compared -> what pycocotools calls it, and the field of a result that must not take part in it."""

Results: TypeAlias = "str | os.PathLike[str] | Sequence[Mapping[str, Any]]"
Annotations: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"


@dataclass(frozen=True)
class Evaluation:
    """How good boxes or masks are.

    metrics     one number for each of `METRICS`, 0 to 1; -1 where the annotations have nothing to count
    precision   float64 [10 IoUs, 101 recalls, classes, 4 areas, 3 limits] as pycocotools has it, -1 likewise
    """

    metrics: Mapping[str, float]
    precision: NDArray[np.float64]


def evaluate(results: Results, annotations: Annotations) -> dict[str, Evaluation]:
    """Compare results with annotations: "box", and "mask" where the results have segmentations.

    Args:
        results: a results file, or a list of dicts as `Instances.to_coco` gives them.
        annotations: an annotation file in COCO's format, or what is in it.

    Raises:
        ImportError: pycocotools is not installed.
        OSError: a file cannot be read.
        ValueError: no JSON, not COCO's format, no results, results for an image that has no annotations, or
            only some of them with a segmentation.
    """
    try:
        import pycocotools  # noqa: F401
    except ImportError:
        raise ImportError("evaluate needs pycocotools: pip install 'maskrle[eval]'") from None
    names = _named("results", results), _named("annotations", annotations)
    found, truth = _loaded(names[0], results), _loaded(names[1], annotations)
    masks = check_results(found, names[0], truth, names[1])
    check_annotations(truth, names[1], masks=masks)
    try:
        return {kind: _measure(found, truth, kind) for kind in _KINDS if kind == "box" or masks}
    except Exception as error:  # pycocotools raises whatever comes, bare exceptions among it
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{' or '.join(names)}: not in COCO's format ({reason})") from error


def _named(argument: str, given: Any) -> str:
    return f"{argument}: {os.fspath(given)}" if isinstance(given, (str, os.PathLike)) else argument


def _loaded(name: str, given: Any) -> Any:
    if not isinstance(given, (str, os.PathLike)):
        return given
    try:
        return json.loads(Path(given).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not JSON: {error}") from None


def _measure(found: Sequence[Mapping[str, Any]], truth: Mapping[str, Any], kind: str) -> Evaluation:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    name, other = _KINDS[kind]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        # Copies, as the evaluation writes into annotations, with ids of their own, as 0 would be no match.
        copies = [{**one, "id": number} for number, one in enumerate(truth["annotations"], start=1)]
        coco.dataset = {**truth, "annotations": copies}
        coco.createIndex()
        # loadRes derives boxes from masks; each kind gets only its own field.
        detections = coco.loadRes(
            [{key: value for key, value in one.items() if key != other} for one in found]
        )
        evaluation = COCOeval(coco, detections, name)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    metrics = dict(zip(METRICS, map(float, evaluation.stats), strict=True))
    return Evaluation(metrics, np.asarray(evaluation.eval["precision"]))
