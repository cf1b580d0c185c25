"""The page of a report: HTML that needs no network, and where nothing that was found can run."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from itertools import islice
from math import floor
from string import Template
from typing import Any, BinaryIO, NamedTuple

from ..draw import color_of
from ..visible import visible
from .thumbnail import UNIT

__all__ = ["Facts", "write_page"]

_ERRORS = 1000
"""Errors that a page lists."""


class Facts(NamedTuple):
    """What a page says of the run as a whole.

    out       where the results are
    settings  what decided them
    pictures  how many this run itself did
    seconds   how long that took
    stages    seconds of each stage of the work on them, by its name
    """

    out: str
    settings: Mapping[str, Any]
    pictures: int
    seconds: float
    stages: Mapping[str, float]


class _Totals:
    """Of all pictures of a run."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self.pictures = self.detections = self.errors = self.step = 0
        self.labels: Counter[int] = Counter()
        self.least, self.most = 1.0, 0.0
        for record in records:
            self.pictures += 1
            self.errors += "error" in record
            part = record.get("report")
            if part:
                self.labels.update(dict(part["labels"]))
                self.least = min([self.least, *part["scores"]])
                self.most = max([self.most, *part["scores"]])
        self.detections = self.labels.total()


def write_page(
    file: BinaryIO, records: Iterable[Mapping[str, Any]], step: int, names: Mapping[int, str], facts: Facts
) -> None:
    """Write the page of a run: UTF-8, one picture in memory at a time.

    Args:
        records: one of each picture, in order; gone through several times.
        step: every so many pictures one is shown.
        names: of labels.
    """
    totals = _Totals(records)
    # Classes by how often they are found; where that is equal, by label.
    classes = sorted(totals.labels.items(), key=lambda one: (-one[1], one[0]))
    called = {label: text(names.get(label, str(label)), 60) for label, _ in classes}
    style = _part("page.css") + "\n".join(_rule(label) for label, _ in classes)
    script = _part("page.js")
    least, most = floor(100 * totals.least) / 100, 1.0 if totals.most <= 1 else totals.most
    content = {
        "style": style,
        "script": script,
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "out": text(facts.out, 200),
        "totals": _totals(totals),
        "throughput": _throughput(facts),
        "classes": "".join(_class(label, called[label], count) for label, count in classes),
        "least": f"{min(least, most):.2f}",
        "most": f"{most:.2f}",
        "note": _note(totals, step),
        "errors": _errors(records, totals.errors),
        "settings": _settings(facts.settings),
    }
    before, after = _part("page.html").split("$cards")
    file.write(Template(before).substitute(content).encode())
    for position, record in enumerate(records):
        if position % step == 0 and "pixels" in record.get("report", {}):
            file.write(_card(record, called).encode())
    file.write(Template(after).substitute(content).encode())


def text(value: object, most: int) -> str:
    """Any text as HTML that shows it, as `visible` has it, and of long texts only the beginning."""
    words = str(value)
    if len(words) > most:
        words = f"{words[: most - 1]}…"
    return escape(visible(words))


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _rule(label: int) -> str:
    blue, green, red = color_of(label)
    color = f"#{red:02x}{green:02x}{blue:02x}"
    return f".{_name(label)} {{ fill: {color}; stroke: {color}; background: {color} }}"


def _name(label: int) -> str:
    """Of a class of the style sheet; a label may be negative."""
    return f"k{label}" if label >= 0 else f"k_{-label}"


def _class(label: int, name: str, count: int) -> str:
    return (
        f'<label class="chip"><input type="checkbox" name="class" value="{_name(label)}" checked>'
        f'<i class="{_name(label)}"></i><bdi>{name}</bdi> <b>{count:,}</b></label>\n'
    )


def _totals(totals: _Totals) -> str:
    figures = {"images": totals.pictures, "instances": totals.detections, "classes": len(totals.labels)}
    if totals.errors:
        figures["errors"] = totals.errors
    return "".join(f"<div><dt>{name}</dt><dd>{number:,}</dd></div>" for name, number in figures.items())


def _throughput(facts: Facts) -> str:
    if facts.pictures == 0:
        return "<p>All images were finished by an earlier run.</p>"
    rate = facts.pictures / max(facts.seconds, 1e-9)
    said = f"<p>{facts.pictures:,} images in {facts.seconds:.1f} s: {rate:.1f} images/s.</p>"
    whole = sum(facts.stages.values())
    if whole == 0:
        return said
    rows = "".join(
        f"<tr><th scope=row>{text(stage, 40)}</th><td>{seconds:.2f}</td>"
        f"<td>{1000 * seconds / facts.pictures:.2f}</td><td>{seconds / whole:.1%}</td></tr>"
        for stage, seconds in facts.stages.items()
    )
    return f"{said}<table>{_head('stage', 'seconds', 'ms an image', 'share')}<tbody>{rows}</tbody></table>"


def _note(totals: _Totals, step: int) -> str:
    if totals.pictures == totals.errors:
        return "<p class=note>No image could be segmented.</p>"
    if step == 1:
        return ""
    return (
        f"<p class=note>Every {step}{'nd' if step == 2 else 'th'} image is shown, as many as a page has room "
        "for; the numbers of classes are those of all images.</p>"
    )


def _errors(records: Iterable[Mapping[str, Any]], count: int) -> str:
    if count == 0:
        return ""
    failed = (record for record in records if "error" in record)
    rows = "".join(
        f"<tr><td><bdi>{_title(record)}</bdi></td><td>{text(record['error'], 300)}</td></tr>"
        for record in islice(failed, _ERRORS)
    )
    more = f"<p>and {count - _ERRORS:,} more</p>" if count > _ERRORS else ""
    return (
        f'<details id="errors" open><summary>Errors ({count:,})</summary>'
        f"<table>{_head('image', 'reason')}<tbody>{rows}</tbody></table>{more}</details>"
    )


def _head(*titles: str) -> str:
    return f"<thead><tr>{''.join(f'<th scope=col>{title}</th>' for title in titles)}</tr></thead>"


def _settings(settings: Mapping[str, Any]) -> str:
    rows = (
        f"<tr><th scope=row>{text(name, 60)}</th><td><bdi>{text(value, 300)}</bdi></td></tr>"
        for name, value in settings.items()
        if value is not None
    )
    return "".join(rows)


def _title(record: Mapping[str, Any]) -> str:
    frame = f", frame {record['frame']}" if "frame" in record else ""
    return text(record["file_name"], 200) + frame


def _card(record: Mapping[str, Any], called: Mapping[int, str]) -> str:
    part = record["report"]
    width, height = part["size"]
    drawn = "".join(_instances(part["instances"], called))
    count = len(part["instances"])
    said = f"{record['width']} \N{MULTIPLICATION SIGN} {record['height']}, "
    return (
        '<figure class="card"><div class="picture">'
        f'<img src="data:image/jpeg;base64,{part["pixels"]}" width="{width}" height="{height}" alt="">'
        f'<svg viewBox="0 0 {UNIT * width} {UNIT * height}">{drawn}</svg>'
        f"</div><figcaption><bdi>{_title(record)}</bdi>"
        f"<span>{said}<output>{count} instance{'s' * (count != 1)}</output></span>"
        "</figcaption></figure>\n"
    )


def _instances(instances: Iterable[Any], called: Mapping[int, str]) -> Iterator[str]:
    for label, score, track, path in instances:
        number = "" if track is None or track < 0 else f" #{track}"
        yield (
            f'<path class="{_name(label)}" data-s="{score:.4f}" d="{path}">'
            f"<title>{called[label]} {score:.2f}{number}</title></path>"
        )
