"""Precision-recall curves as a picture, drawn by matplotlib (the extra `eval`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .files import replacing

if TYPE_CHECKING:
    from .evaluate import Evaluation

__all__ = ["check_curves", "draw_curves"]

_IOUS = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0, 1, 101)


def check_curves(path: Path) -> None:
    """See to it that a picture of this name can be drawn.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: it cannot write files with this suffix.
    """
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ImportError("curves need matplotlib: pip install 'maskrle[eval]'") from None
    suffixes = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in suffixes:
        raise ValueError(f"curves: expected a file name ending in .{', .'.join(suffixes)}, got {path.name}")


def draw_curves(path: Path, evaluations: Mapping[str, Evaluation], title: str) -> None:
    """Draw precision against recall for each IoU that AP is the mean of, boxes and masks side by side.

    Each curve is the mean over all classes; its legend says the area below it, which is AP at that IoU.

    Raises:
        ImportError, ValueError: as `check_curves`.
        OSError: the file cannot be written.
    """
    check_curves(path)
    from matplotlib import colormaps, rc_context
    from matplotlib.figure import Figure

    form = path.suffix.lower().removeprefix(".")
    dated = {"svg": "Date", "pdf": "CreationDate"}.get(form)
    metadata = {dated: None} if dated else None
    with rc_context({"svg.hashsalt": "maskrle", "font.size": 9}):
        figure = Figure(figsize=(0.5 + 5.6 * len(evaluations), 4.6), layout="constrained")
        figure.suptitle(title)
        panels = figure.subplots(1, len(evaluations), sharey=True, squeeze=False)[0]
        shades = colormaps["viridis"](np.linspace(0, 0.92, len(_IOUS)))
        for panel, (kind, one) in zip(panels, evaluations.items(), strict=True):
            _panel(panel, f"{kind} AP {one.metrics['AP']:.4f}", one, shades)
        panels[0].set_ylabel("precision")
        with replacing(path) as file:
            figure.savefig(file, format=form, dpi=150, metadata=metadata)


def _panel(panel: Any, title: str, one: Evaluation, shades: Any) -> None:
    from matplotlib.ticker import MultipleLocator

    precision = one.precision[..., 0, 2]
    counted = precision > -1
    for at, iou in enumerate(_IOUS):
        classes = counted[at].all(axis=0)
        if not classes.any():
            continue
        curve = precision[at][:, classes].mean(axis=1)
        panel.plot(_RECALLS, curve, color=shades[at], lw=1.6, label=f"{iou:.2f}   {curve.mean():.3f}")
        panel.fill_between(_RECALLS, curve, color=shades[at], alpha=0.05, lw=0)
    panel.set(title=title, xlabel="recall", xlim=(0, 1), ylim=(0, 1.02))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MultipleLocator(0.2))
    panel.grid(color="0.9", lw=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    if panel.lines:
        panel.legend(title="IoU   AP", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
