"""Whether results and annotations are in COCO's format: pycocotools says little of what is not."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from numbers import Real
from reprlib import repr as short
from typing import Any

import numpy as np

from .native import RLEBatch

__all__ = ["check_annotations", "check_results"]


def check_annotations(truth: Any, name: str, *, masks: bool) -> None:
    """See to it that these are COCO annotations.

    Args:
        name: what to call them in errors.
        masks: whether they are compared with masks, and need some.

    Raises:
        ValueError: they are not; the message says where.
    """
    sizes = _image_sizes(truth, name)
    for number, one in enumerate(truth["annotations"]):
        where = f"{name}: annotations[{number}]"
        _check_fields(where, one, "area")
        if masks and one["image_id"] in sizes:
            size = sizes[one["image_id"]]
            if not all(isinstance(side, int) and side > 0 for side in size):
                raise ValueError(f"{name}: image {one['image_id']} has no height and width")
            _check_truth(f"{where}: segmentation", one.get("segmentation"), size)


def check_results(found: Any, name: str, truth: Any, truth_name: str) -> bool:
    """See to it that these are COCO results for annotations.

    Args:
        name, truth_name: what to call them in errors.

    Returns:
        Whether they have masks.

    Raises:
        ValueError: they are not, have masks in part, or are for an image that has no annotations.
    """
    sizes = _image_sizes(truth, truth_name)
    fields = {"image_id", "category_id", "bbox", "score"}
    if not isinstance(found, Sequence) or not all(
        isinstance(one, Mapping) and fields <= one.keys() for one in found
    ):
        raise ValueError(f"{name}: expected a list of objects with {', '.join(sorted(fields))}")
    if not found:
        raise ValueError(f"{name}: expected at least one, got none")
    masks = any("segmentation" in one for one in found)
    for number, one in enumerate(found):
        where = f"{name}: [{number}]"
        _check_fields(where, one, "score")
        if one["image_id"] not in sizes:
            raise ValueError(f"{name}: image_id {one['image_id']!r} is not among the annotated images")
        if masks and "segmentation" not in one:
            raise ValueError(f"{where}: it has no segmentation, and others have one")
        if masks:
            _check_rle(f"{where}: segmentation", one["segmentation"], sizes[one["image_id"]])
    return masks


def _image_sizes(truth: Any, name: str) -> dict[Any, tuple[Any, Any]]:
    """Image id -> (height, width), None where they are missing."""
    parts = ("images", "annotations", "categories")
    if not isinstance(truth, Mapping) or not all(isinstance(truth.get(part), list) for part in parts):
        raise ValueError(f"{name}: expected an object with the lists {', '.join(parts)}")
    for part in ("images", "categories"):
        for number, one in enumerate(truth[part]):
            if not isinstance(one, Mapping) or not _is_id(one.get("id")):
                raise ValueError(f"{name}: {part}[{number}]: expected an object with an id, got {short(one)}")
    return {image["id"]: (image.get("height"), image.get("width")) for image in truth["images"]}


def _check_fields(where: str, one: Any, number: str) -> None:
    """What results and annotations have both, and a field with a number."""
    if not isinstance(one, Mapping):
        raise ValueError(f"{where}: expected an object, got {short(one)}")
    for field in ("image_id", "category_id"):
        if not _is_id(one.get(field)):
            raise ValueError(f"{where}: {field}: expected an integer or a str, got {short(one.get(field))}")
    box: Any = one.get("bbox")
    if not _are_numbers(box) or len(box) != 4:
        raise ValueError(f"{where}: bbox: expected 4 finite numbers, got {short(box)}")
    if not _is_number(one.get(number)):
        raise ValueError(f"{where}: {number}: expected a finite number, got {short(one.get(number))}")


def _check_truth(where: str, segmentation: Any, size: tuple[int, int]) -> None:
    """A mask of an annotation: polygons, an RLE, or an RLE of plain numbers."""
    if isinstance(segmentation, Mapping) and isinstance(segmentation.get("counts"), list):
        counts = segmentation["counts"]
        _check_size(where, segmentation, size)
        if not all(isinstance(run, int) and run >= 0 for run in counts) or sum(counts) != size[0] * size[1]:
            raise ValueError(f"{where}: counts: expected runs of {size[0] * size[1]} pixels together")
    elif isinstance(segmentation, Mapping):
        _check_rle(where, segmentation, size)
    elif not isinstance(segmentation, list) or not segmentation or not all(map(_is_polygon, segmentation)):
        raise ValueError(
            f"{where}: expected an RLE or polygons of 3 points (x, y) or more, got {short(segmentation)}"
        )


def _check_rle(where: str, segmentation: Any, size: tuple[Any, Any]) -> None:
    if not isinstance(segmentation, Mapping):
        raise ValueError(f"{where}: expected an RLE with size and counts, got {short(segmentation)}")
    _check_size(where, segmentation, size)
    try:
        RLEBatch.from_dicts([segmentation])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {str(error).replace('rles[0]', '')}") from None


def _check_size(where: str, segmentation: Mapping[str, Any], size: tuple[Any, Any]) -> None:
    got: Any = segmentation.get("size")
    if not _are_numbers(got) or list(got) != list(size):
        raise ValueError(f"{where}: size: expected {list(size)} as the image, got {short(got)}")


def _is_polygon(points: Any) -> bool:
    return _are_numbers(points) and len(points) >= 6 and len(points) % 2 == 0


def _are_numbers(values: Any) -> bool:
    return isinstance(values, (list, tuple, np.ndarray)) and all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and abs(value) <= sys.float_info.max  # type: ignore[operator]


def _is_id(value: Any) -> bool:
    return isinstance(value, (int, np.integer, str))
