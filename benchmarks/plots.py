"""The plots, PNG and SVG, each for light and for dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from amdahl import COUNT, INFERENCE, PUBLISHED_GIGAFLOPS, costs, published_inference
from contestants import BASELINE
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from pipeline import Pipeline
from results import Results
from scaling import Point
from speed import FLOOR, Speed

THEMES = {
    "light": {
        "page": "#ffffff",
        "text": "#1f2328",
        "faint": "#818b98",
        "ours": "#c2410c",
        "floor": "#0f766e",
        "others": "#4b6fa8",
    },
    "dark": {
        "page": "#0d1117",
        "text": "#e6edf3",
        "faint": "#7d8590",
        "ours": "#ff8b4d",
        "floor": "#3fc1ae",
        "others": "#85a9e0",
    },
}
_SIZE = "800x1365"  # of the plot of shares


def save(folder: Path, results: Results) -> list[Path]:
    """Files NAME-THEME.svg and .png, of what was measured."""
    paths = []
    for theme, colours in THEMES.items():
        with _style(colours):
            for name, figure in _figures(results, colours):
                for kind in ("svg", "png"):
                    paths.append(folder / f"{name}-{theme}.{kind}")
                    figure.savefig(
                        paths[-1], dpi=160, transparent=True, bbox_inches="tight", metadata=_undated(kind)
                    )
    return paths


def _undated(kind: str) -> dict[str, None]:
    return {"Date": None} if kind == "svg" else {}


def _figures(results: Results, colours: dict[str, str]) -> Iterator[tuple[str, Figure]]:
    hundred = [one for one in results.speed if one.count == COUNT]
    if hundred:
        yield "ways", _ways(hundred, colours)
    if results.scaling:
        yield "sizes", _sizes(results.scaling, colours)
    if _SIZE in costs(results.speed):
        yield "amdahl", _amdahl(results, colours)
    if results.pipeline:
        yield "pipeline", _pipeline(results.pipeline, colours)


@contextmanager
def _style(colours: dict[str, str]) -> Iterator[None]:
    text = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    style = {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
        **dict.fromkeys(text, colours["text"]),
        "axes.edgecolor": colours["faint"],
        "grid.color": colours["faint"],
        "grid.alpha": 0.3,
        "font.size": 10,
        "svg.fonttype": "none",
        "svg.hashsalt": "maskrle",
    }
    with mpl.rc_context(style):
        yield


def _colour(name: str, colours: dict[str, str]) -> str:
    return colours["floor" if name == FLOOR else "ours" if name.startswith("maskrle") else "others"]


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


@FuncFormatter
def _plain(value: float, _: int) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"


@FuncFormatter
def _percent(value: float, _: int) -> str:
    return f"{100 * value:g} %"


def _bars(axes: Axes) -> None:
    axes.grid(True, axis="x", which="major")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _ways(results: list[Speed], colours: dict[str, str]) -> Figure:
    """Time per mask of every way, one panel an image size."""
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, sharex=True, squeeze=False)[0]
    best = results[0].rows[1].name
    for axes, result in zip(panels, results, strict=True):
        names = [row.name for row in result.rows]
        for place, row in enumerate(result.rows):
            if row.per_mask is None:
                axes.text(1, place, f" {row.absent}", va="center", fontsize=8)
                continue
            time = row.per_mask
            axes.barh(place, time.median, color=_colour(row.name, colours), height=0.68)
            axes.plot([time.low, time.high], [place, place], color=colours["text"], linewidth=1.2)
            label = f" {_short(time.median)}"
            if row.against_maskrle is not None and row.name not in (FLOOR, best):
                label += f"  ({_short(row.against_maskrle.median)}x)"
            axes.text(max(time.high, time.median) * 1.06, place, label, va="center", fontsize=8)
        axes.set_xscale("log")
        axes.set_yticks(range(len(names)), names)
        axes.set_title(result.size, fontsize=10)
        _bars(axes)
    panels[0].invert_yaxis()
    low, high = panels[0].get_xlim()
    panels[0].set_xlim(max(low, 0.3), high * 30)
    panels[0].set_xticks([1, 10, 100, 1e3, 1e4, 1e5])
    panels[0].xaxis.set_major_formatter(_plain)
    label = f"microseconds per mask (N={COUNT}, one thread); in brackets: times {best}"
    figure.supxlabel(label, fontsize=9)
    return figure


def _sizes(points: list[Point], colours: dict[str, str]) -> Figure:
    """Cost of a mask against the size of the image, with pixels and runs as yardsticks."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    pixels = [p.pixels / 1e6 for p in points]
    first = points[0].maskrle.median
    theirs = [(p.pixels / 1e6, p.baseline.median) for p in points if p.baseline is not None]
    if theirs:
        axes.plot(*zip(*theirs, strict=True), color=colours["others"], marker="o", linewidth=2)
        _name(axes, BASELINE, theirs[-1], colours["others"])
    yardsticks = {
        "like pixels": [first * p.pixels / points[0].pixels for p in points],
        "like runs": [first * p.mean_runs / points[0].mean_runs for p in points],
    }
    for (label, values), style in zip(yardsticks.items(), ("--", ":"), strict=True):
        axes.plot(pixels, values, color=colours["faint"], linestyle=style, linewidth=1.3)
        _name(axes, label, (pixels[-1], values[-1]), colours["text"])
    axes.plot(pixels, [p.maskrle.median for p in points], color=colours["ours"], marker="o", linewidth=2)
    _name(axes, "maskrle", (pixels[-1], points[-1].maskrle.median), colours["ours"])
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


def _name(axes: Axes, text: str, at: tuple[float, float], colour: str) -> None:
    """Beside a line's end."""
    shift = {"xytext": (8, 0), "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(text, at, color=colour, va="center", **shift)


def _amdahl(results: Results, colours: dict[str, str]) -> Figure:
    """Share of a core's throughput that each way costs, against the time of inference."""
    figure = Figure(figsize=(7.5, 4.4), layout="constrained")
    axes = figure.subplots()
    ways = costs(results.speed)[_SIZE]
    published = None if results.throughput is None else published_inference(results.throughput)
    last = max(INFERENCE[-1], published or 0) * 1.3
    inference = np.geomspace(INFERENCE[0], last, 80)
    shown = [ways[0], *(way for way in ways if not way.name.startswith("maskrle"))]
    for way in shown:
        colour = _colour(way.name, colours)
        axes.plot(inference, [way.share(t) for t in inference], color=colour, linewidth=2)
    named = sorted(shown, key=lambda way: way.milliseconds)
    for way, height in zip(named, _apart([np.log10(way.share(last)) for way in named], 0.22), strict=True):
        name, colour = "maskrle" if way is ways[0] else way.name, _colour(way.name, colours)
        _name(axes, name, (last, 10**height), colour)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(inference[0], last)
    axes.set_xticks(INFERENCE, [f"{t:,}" for t in INFERENCE])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(_percent)
    if published is not None:
        axes.axvline(published, color=colours["faint"], linestyle="--", linewidth=1.3)
        axes.text(
            published * 0.94,
            axes.get_ylim()[1],
            f"{PUBLISHED_GIGAFLOPS:.0f} GFLOPs,\nabout {published:,.0f} ms",
            ha="right",
            va="top",
            fontsize=8,
        )
    axes.set_xlabel("milliseconds of a core for an image's inference", fontsize=9)
    axes.set_title(
        f"share of throughput that post-processing takes ({_SIZE}, {COUNT} detections)", fontsize=10
    )
    axes.grid(True, which="major")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _apart(values: list[float], least: float) -> list[float]:
    """Rising values moved up where they lie nearer than `least`."""
    moved: list[float] = []
    for value in values:
        moved.append(value if not moved else max(value, moved[-1] + least))
    return moved


def _pipeline(results: list[Pipeline], colours: dict[str, str]) -> Figure:
    """Images a second with each post-processing, one panel a network."""
    figure = Figure(figsize=(9, 0.9 + 0.32 * len(results[0].rows)), layout="constrained")
    panels = figure.subplots(1, len(results), sharey=True, squeeze=False)[0]
    for axes, one in zip(panels, results, strict=True):
        for place, row in enumerate(one.rows):
            if row.rate is None:
                axes.text(0, place, f" {row.absent}", va="center", fontsize=8)
                continue
            axes.barh(place, row.rate.median, color=_colour(row.name, colours), height=0.68)
            axes.plot([row.rate.low, row.rate.high], [place, place], color=colours["text"], linewidth=1.2)
            label = f"{_short(row.rate.median)}  "
            at = min(row.rate.low, row.rate.median)
            axes.text(at, place, label, ha="right", va="center", fontsize=8, color=colours["page"])
        axes.axvline(one.bare.median, color=colours["faint"], linestyle="--", linewidth=1.3)
        axes.set_yticks(range(len(one.rows)), [row.name for row in one.rows])
        axes.set_xlim(0, one.bare.median * 1.15)
        axes.set_title(f"{one.milliseconds} ms an image; dashed: bare inference", fontsize=9)
        _bars(axes)
    panels[0].invert_yaxis()
    figure.supxlabel("images a second", fontsize=9)
    return figure
