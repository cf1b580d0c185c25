"""The weights of the embedded network, trained by `tools/train_shapes.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["WEIGHTS", "load_weights"]

WEIGHTS = Path(__file__).with_name("weights.npz")


def load_weights() -> dict[str, NDArray[np.float16]]:
    """Weights and biases of every layer by name, float16."""
    if not WEIGHTS.is_file():
        raise FileNotFoundError(f"the weights of the embedded network are missing: {WEIGHTS}")
    with np.load(WEIGHTS, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
