"""COCO's average precision of boxes and masks, counted by hotcoco (the extra `eval`)."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .coco_format import check_annotations, check_results
from .readers import read_json, read_results

__all__ = ["METRICS", "Evaluation", "Loaded", "evaluate", "load", "measure"]

METRICS = (
    "AP", "AP50", "AP75", "AP small", "AP medium", "AP large",
    "AR 1", "AR 10", "AR 100", "AR small", "AR medium", "AR large",
)  # fmt: skip
"""COCO's twelve numbers: average precision by IoU and by area, average recall by detections and by area."""
_AREAS, _LIMITS = {"small": 1, "medium": 2, "large": 3}, {"1": 0, "10": 1, "100": 2}
"""Where COCO's arrays have them, the last two axes; otherwise all areas (0) and 100 detections an image."""
_KINDS = {"box": ("bbox", "bbox"), "mask": ("segm", "segmentation")}
"""What is compared -> what COCO's evaluation calls it, and the field of a result that takes part in it."""

Results: TypeAlias = "str | os.PathLike[str] | Sequence[Mapping[str, Any]]"
Annotations: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"


@dataclass(frozen=True)
class Evaluation:
    """How good boxes or masks are.

    metrics     one number for each of `METRICS`, 0 to 1; -1 where the annotations have nothing to count
    by_class    category id -> the same of this class alone, in the order of ids
    precision   float64 [10 IoUs, 101 recalls, classes, 4 areas, 3 limits] as pycocotools has it, -1 likewise
    recall      float64 [10 IoUs, classes, 4 areas, 3 limits] likewise
    """

    metrics: Mapping[str, float]
    by_class: Mapping[int | str, Mapping[str, float]]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


@dataclass(frozen=True)
class Loaded:
    """Results and the annotations they are compared with, of which it is known that they fit.

    found   COCO result dicts
    truth   COCO annotations
    masks   whether the results have masks
    names   what to call the two in errors
    """

    found: Sequence[Mapping[str, Any]]
    truth: Mapping[str, Any]
    masks: bool
    names: tuple[str, str]


def evaluate(results: Results, annotations: Annotations) -> dict[str, Evaluation]:
    """COCO's average precision of results.

    The numbers are pycocotools'. Annotations without `iscrowd` are no crowds.

    Args:
        results: a results file (.json, .jsonl, .parquet, or a folder of .parquet), or a list of dicts as
            `Instances.to_coco` gives them.
        annotations: an annotation file in COCO's format, or what is in it.

    Returns:
        "box", and "mask" where the results have segmentations -> how good they are.

    Raises:
        ImportError: hotcoco is not installed, or a package that the file needs.
        OSError: a file cannot be read.
        ValueError: no JSON, not COCO's format, no results, results for an image that has no annotations, or
            only some of them with a segmentation.
    """
    return measure(load(results, annotations))


def measure(loaded: Loaded) -> dict[str, Evaluation]:
    """As `evaluate`, of what was loaded."""
    try:
        return {kind: _measure(loaded, kind) for kind in _KINDS if kind == "box" or loaded.masks}
    except Exception as error:  # hotcoco's own checks, for what was not foreseen here
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{' or '.join(loaded.names)}: not in COCO's format ({reason})") from error


def load(results: Results, annotations: Annotations) -> Loaded:
    """Read results and annotations, and see to it that they are in COCO's format and fit.

    Raises: as `evaluate`.
    """
    try:
        import hotcoco  # noqa: F401
    except ImportError:
        raise ImportError("evaluate needs hotcoco: pip install 'maskrle[eval]'") from None
    names = _named("results", results), _named("annotations", annotations)
    found = _content("results", results, read_results)
    truth = _content("annotations", annotations, read_json)
    masks = check_results(found, names[0], truth, names[1])
    check_annotations(truth, names[1], masks=masks)
    return Loaded(found, truth, masks, names)


def _named(argument: str, given: Any) -> str:
    return f"{argument}: {os.fspath(given)}" if isinstance(given, (str, os.PathLike)) else argument


def _content(argument: str, given: Any, read: Any) -> Any:
    if not isinstance(given, (str, os.PathLike)):
        return given
    try:
        return read(Path(given))
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def _measure(loaded: Loaded, kind: str) -> Evaluation:
    from hotcoco import COCO, COCOeval

    name, field = _KINDS[kind]
    truth = loaded.truth
    # Ids may be any numbers or words; the evaluation gets small numbers in the same order.
    images, classes = _numbered(truth["images"]), _numbered(truth["categories"])

    def known(one: Mapping[str, Any]) -> bool:
        return one["image_id"] in images and one["category_id"] in classes

    def placed(one: Mapping[str, Any]) -> dict[str, Any]:
        return {"image_id": images[one["image_id"]], "category_id": classes[one["category_id"]]}

    shown = [
        {"id": number, "area": one["area"], "iscrowd": int(bool(one.get("iscrowd", 0)))}
        | placed(one)
        | {field: one[field]}
        for number, one in enumerate(filter(known, truth["annotations"]), start=1)
    ]
    dataset = {
        "images": [
            {"id": images[one["id"]], **{side: one[side] for side in ("height", "width") if side in one}}
            for one in truth["images"]
        ],
        "annotations": shown,
        "categories": [{"id": number, "name": str(number)} for number in classes.values()],
    }
    # Results of classes that are not annotated match nothing and count for nothing. Areas are derived from
    # the field that is compared, so each kind gets only its own.
    found = [placed(one) | {"score": one["score"], field: one[field]} for one in loaded.found if known(one)]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(dataset)
        evaluation = COCOeval(coco, coco.load_res(found), name)
        evaluation.evaluate()
        evaluation.accumulate()
    arrays: Any = evaluation.eval
    precision, recall = (np.asarray(arrays[array]) for array in ("precision", "recall"))
    by_class = {id: _metrics(precision, recall, slice(at, at + 1)) for at, id in enumerate(classes)}
    return Evaluation(_metrics(precision, recall, slice(None)), by_class, precision, recall)


def _numbered(listed: Sequence[Mapping[str, Any]]) -> dict[Any, int]:
    ids = sorted({one["id"] for one in listed}, key=lambda id: (isinstance(id, str), id))
    return {id: number for number, id in enumerate(ids, start=1)}


def _metrics(precision: NDArray[np.float64], recall: NDArray[np.float64], classes: slice) -> dict[str, float]:
    """COCO's twelve numbers of some classes: means over what is annotated, as in COCOeval.summarize."""
    found = {}
    for metric in METRICS:
        what, _, which = metric.partition(" ")
        area, limit = _AREAS.get(which, 0), _LIMITS.get(which, 2)
        ious = {"AP50": slice(0, 1), "AP75": slice(5, 6)}.get(what, slice(None))
        part = recall[ious, classes, area, limit]
        if what != "AR":
            part = precision[ious, :, classes, area, limit]
        counted = part[part > -1]
        found[metric] = float(counted.mean()) if len(counted) else -1.0
    return found
