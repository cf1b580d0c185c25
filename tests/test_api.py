"""docs/api.md is what `make api` writes, and says of every public thing what a user has to know."""

from __future__ import annotations

from pathlib import Path

import griffe
import pytest
from scripts import script

import maskrle

ROOT = Path(__file__).parent.parent


make_api = script("tools/make_api.py")
PACKAGE = make_api.load()
THINGS = dict(thing for module in make_api.MODULES for thing in make_api.exported(PACKAGE, module))
FUNCTIONS = {name: thing for name, thing in THINGS.items() if thing.is_function} | {
    f"{name}.{member}": inner
    for name, thing in THINGS.items()
    if thing.is_class
    for member, inner in make_api.members(thing)
    if inner.is_function
}
CLASSES = {name: thing for name, thing in THINGS.items() if thing.is_class}


def test_the_page_is_the_tools() -> None:
    assert (ROOT / "docs/api.md").read_text("utf-8") == make_api.page(), "make api"


def test_all_public_names_are_there() -> None:
    modules = {"reference", "shapes", "__version__"}
    assert {f"maskrle.{name}" for name in set(maskrle.__all__) - modules} <= THINGS.keys()
    assert {"maskrle.reference.encode", "maskrle.shapes.scene", "maskrle.ray.SegmentBatch"} <= THINGS.keys()
    assert {"maskrle.RLEBatch.from_dicts", "maskrle.Segmenter.__call__"} <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_parameter_is_documented_and_no_other(name: str) -> None:
    function = (FUNCTIONS[name].overloads or [FUNCTIONS[name]])[0]
    stars = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}
    wanted = [stars.get(one.kind, "") + one.name for one in make_api.parameters(function)]
    assert make_api.documented(FUNCTIONS[name]) == wanted


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_returned_is_documented(name: str) -> None:
    kinds = {section.kind for section in FUNCTIONS[name].docstring.parsed}
    summary = FUNCTIONS[name].docstring.value.partition("\n\n")[0]
    assert griffe.DocstringSectionKind.returns in kinds or summary.startswith(("A ", "One ", "As ", "Build "))


@pytest.mark.parametrize("name", CLASSES)
def test_each_field_is_documented_and_no_other(name: str) -> None:
    thing = CLASSES[name]
    parameters = [one.name for one in make_api.parameters(thing)]
    documented = make_api.documented(thing) or list(make_api.fields(thing))
    assert [name.lstrip("*") for name in documented] == parameters


@pytest.mark.parametrize("name", THINGS)
def test_everything_says_what_it_is(name: str) -> None:
    thing = THINGS[name]
    assert thing.docstring is not None
    for member, inner in make_api.members(thing) if thing.is_class else ():
        assert inner.docstring, member
