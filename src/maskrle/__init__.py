"""Mask R-CNN output to exact COCO RLE, without ever drawing a mask.

`import maskrle` costs numpy and the native core only; OpenVINO and OpenCV load when first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import reference, shapes
from .contracts import Channels, Contract, Output, Rows
from .native import RLEBatch, __version__, backends, build_config, decode, encode
from .results import Instances
from .stream import Result, Timings

if TYPE_CHECKING:
    from .segmenter import Segmenter

__all__ = [
    "Channels",
    "Contract",
    "Instances",
    "Output",
    "RLEBatch",
    "Result",
    "Rows",
    "Segmenter",
    "Timings",
    "__version__",
    "backends",
    "build_config",
    "decode",
    "encode",
    "reference",
    "shapes",
]


def __getattr__(name: str) -> Any:
    if name == "Segmenter":
        from .segmenter import Segmenter

        return Segmenter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
