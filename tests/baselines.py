"""Pictures that were looked at once and are compared with from then on.

`MASKRLE_WRITE_BASELINES=1 pytest tests/test_draw.py` writes them anew: look at what `git diff` shows.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "data/baselines"
OPENCV = int(cv2.__version__.partition(".")[0])
"""Letters are other ones in OpenCV 4 than in 5; all else is the same."""


def compare(name: str, drawn: NDArray[np.uint8], differs: float = 0) -> None:
    """That a picture is the baseline of this name, but for this share of its pixels."""
    path = FOLDER / f"{name}.png"
    if os.environ.get("MASKRLE_WRITE_BASELINES"):
        path.write_bytes(cv2.imencode(".png", drawn)[1].tobytes())
    baseline = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert baseline is not None, f"no baseline {path}"
    assert drawn.shape == baseline.shape
    changed = (drawn != baseline).any(axis=2).mean()
    assert changed <= differs, f"{changed:.2%} of the pixels are not those of {path.name}"
