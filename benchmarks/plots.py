"""Two plots, PNG and SVG, that read on light and on dark pages."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from scaling import Point
from speed import FLOOR, SizeResult

_GREY = "#858585"
_OURS, _FLOOR, _OTHERS = "#e8702a", "#2f9e8f", "#6f8fbf"
_STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": _GREY,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _GREY,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "grid.color": _GREY,
    "grid.alpha": 0.25,
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "maskrle",
}


def save(folder: Path, speed: list[SizeResult], scaling: list[Point]) -> list[Path]:
    figures = {}
    with mpl.rc_context(_STYLE):
        if speed:
            figures["ways"] = _ways(speed)
        if scaling:
            figures["sizes"] = _sizes(scaling)
        paths = [folder / f"{name}.{kind}" for name in figures for kind in ("png", "svg")]
        for path in paths:
            figures[path.stem].savefig(path, dpi=160, transparent=True, bbox_inches="tight")
    return paths


def _colour(name: str) -> str:
    return _FLOOR if name == FLOOR else _OURS if name.startswith("maskrle") else _OTHERS


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


@FuncFormatter
def _plain(value: float, _: int) -> str:
    return f"{value / 1e3:,g}k" if value >= 1e3 else f"{value:g}"


def _ways(results: list[SizeResult]) -> Figure:
    """Time per mask of every way, one panel an image size."""
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, sharex=True, squeeze=False)[0]
    for axes, result in zip(panels, results, strict=True):
        names = [row.name for row in result.rows]
        for place, row in enumerate(result.rows):
            if row.per_mask is None:
                axes.text(1, place, " not installed", va="center", fontsize=8)
                continue
            time = row.per_mask
            axes.barh(place, time.median, color=_colour(row.name), height=0.68)
            axes.plot([time.low, time.high], [place, place], color=_GREY, linewidth=1.2)
            label = f" {_short(time.median)}"
            if row.over_floor is not None and row.name != FLOOR:
                label += f"  ({_short(row.over_floor.median)}x)"
            axes.text(max(time.high, time.median) * 1.06, place, label, va="center", fontsize=8)
        axes.set_xscale("log")
        axes.set_yticks(range(len(names)), names)
        axes.set_title(result.size, fontsize=10)
        axes.grid(True, axis="x", which="major")
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[0].invert_yaxis()
    low, high = panels[0].get_xlim()
    panels[0].set_xlim(max(low, 0.3), high * 20)
    panels[0].xaxis.set_major_formatter(_plain)
    figure.supxlabel("microseconds per mask (N=100, one thread); in brackets: times the floor", fontsize=9)
    return figure


def _sizes(points: list[Point]) -> Figure:
    """Cost of a mask against the size of the image, with pixels and runs as yardsticks."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    pixels = [p.pixels / 1e6 for p in points]
    first = points[0].maskrle.median
    theirs = [(p.pixels / 1e6, p.baseline.median) for p in points if p.baseline is not None]
    if theirs:
        axes.plot(*zip(*theirs, strict=True), color=_OTHERS, marker="o", linewidth=2)
        axes.annotate(
            "accuracy_checker", theirs[-1], xytext=(8, 0), textcoords="offset points", color=_OTHERS
        )
    yardsticks = {
        "like pixels": [first * p.pixels / points[0].pixels for p in points],
        "like runs": [first * p.mean_runs / points[0].mean_runs for p in points],
    }
    for (label, values), style in zip(yardsticks.items(), ("--", ":"), strict=True):
        axes.plot(pixels, values, color=_GREY, linestyle=style, linewidth=1.3)
        at = (pixels[-1], values[-1])
        axes.annotate(label, at, xytext=(8, 0), textcoords="offset points")
    axes.plot(pixels, [p.maskrle.median for p in points], color=_OURS, marker="o", linewidth=2)
    at = (pixels[-1], points[-1].maskrle.median)
    axes.annotate("maskrle", at, xytext=(8, -4), textcoords="offset points", color=_OURS, weight="bold")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(pixels, [p.size.replace("x", "\nx ") for p in points], fontsize=8)
    axes.yaxis.set_major_formatter(_plain)
    axes.minorticks_off()
    axes.set_xlim(pixels[0] * 0.8, pixels[-1] * 3.2)
    axes.set_ylabel("microseconds per mask")
    axes.grid(True, which="major")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
