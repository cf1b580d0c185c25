"""Writes docs/api.md from signatures, stubs and docstrings: python tools/make_api.py docs/api.md

griffe reads the package; what the native core says of itself is asked of the core.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import griffe

MODULES = {
    "maskrle": (),
    "maskrle.reference": (),
    "maskrle.shapes": (),
    "maskrle.evaluate": ("evaluate", "Evaluation", "METRICS"),
    "maskrle.labels": ("COCO_80", "COCO_90", "label_names"),
    "maskrle.ray": (),
}
"""Modules in the page's order, and what of them is for users: all that they export unless names are given."""
SPECIAL = ("__call__", "__getitem__")
"""Special methods that are shown where they have something to say."""
_FIELD = re.compile(r"^(\w+) {2,}(\S.*(?:\n {2,}.*)*)$", re.MULTILINE)
"""A row of the table of fields that our dataclasses have, with the lines that it goes on with."""
_WIDTH = 100


def load() -> griffe.Module:
    """The package as installed, with the native core's docstrings in their places."""
    package = Path(inspect.getfile(import_module("maskrle"))).parent
    root = griffe.load(
        "maskrle", search_paths=[package.parent], docstring_parser="google", allow_inspection=False
    )
    assert isinstance(root, griffe.Module)
    for name, thing in public(root["_core"].members):
        _give_docstring(thing, name)
        for member, inner in public(thing.members):
            _give_docstring(inner, f"{name}.{member}")
    return root


def _give_docstring(thing: griffe.Object, name: str) -> None:
    said = inspect.getdoc(attrgetter(name)(import_module("maskrle._core"))) or ""
    said = re.sub(r"\A\w+\(.*\) -> .*\n\n", "", said)  # pybind11's signature; the stub's is better
    thing.docstring = griffe.Docstring(inspect.cleandoc(said), parent=thing, parser="google")


def public(members: dict[str, griffe.Object | griffe.Alias]) -> list[tuple[str, griffe.Object]]:
    """Members by name, aliases followed; imports of the stub and private ones left out."""
    return [
        (name, thing)
        for name, thing in members.items()
        if not name.startswith("_") and isinstance(thing, griffe.Object)
    ]


def exported(root: griffe.Module, module: str) -> list[tuple[str, griffe.Object]]:
    """What of a module is for users, by full name; modules within it stand by themselves."""
    within = _module(root, module)
    names = MODULES[module] or [str(name) for name in within.exports or ()]
    found = ((name, within[name]) for name in names if not name.startswith("__"))
    ends = ((name, _final(thing)) for name, thing in found)
    return [(f"{module}.{name}", thing) for name, thing in ends if not thing.is_module]


def _final(thing: griffe.Object | griffe.Alias) -> griffe.Object:
    return thing.final_target if isinstance(thing, griffe.Alias) else thing


def members(thing: griffe.Object) -> list[tuple[str, griffe.Object]]:
    """Public methods and properties of a class. Fields are in its own docstring."""
    inner = [(name, member) for name, member in thing.members.items() if name in SPECIAL and member.docstring]
    inner += public(thing.members)
    return [(name, m) for name, m in inner if m.is_function or "property" in m.labels]


def fields(thing: griffe.Object) -> dict[str, str]:
    """The table of fields in a docstring."""
    text = thing.docstring.value if thing.docstring else ""
    return {name: " ".join(said.split()) for name, said in _FIELD.findall(text)}


def parameters(thing: griffe.Object) -> list[griffe.Parameter]:
    """What a function or class is called with; a named tuple with its fields."""
    if isinstance(thing, griffe.Class) and "NamedTuple" in map(str, thing.bases):
        kind = griffe.ParameterKind.positional_or_keyword
        inner = [(name, one) for name, one in thing.members.items() if one.is_attribute and one.annotation]
        return [
            griffe.Parameter(name, annotation=one.annotation, kind=kind, default=one.value)
            for name, one in inner
        ]
    return [one for one in getattr(thing, "parameters", ()) if one.name != "self"]


def documented(thing: griffe.Object) -> list[str]:
    """Names of the parameters that a docstring describes."""
    sections = thing.docstring.parsed if thing.docstring else []
    kind = griffe.DocstringSectionKind.parameters
    return [one.name for section in sections if section.kind is kind for one in section.value]


def page() -> str:
    root = load()
    modules = [name for name in MODULES if name == "maskrle" or name.partition(".")[2] in root.members]
    parts = [
        "# API\n",
        "Made by `make api` from signatures and docstrings; `help()` shows the same. Arrays are numpy's,\n"
        "with shapes in brackets: n instances or N masks, C channels, h and w sides of a mask, H and W\n"
        "of an image.\n",
    ]
    for module in modules:
        parts += [f"- **`{module}`**: {_summary(_module(root, module))}"]
        parts += [
            f"  - [`{name.removeprefix(module + '.')}`](#{_anchor(name)}): {_summary(thing)}"
            for name, thing in exported(root, module)
        ]
    parts += [""]
    for module in modules:
        parts += [f"## {module}\n"]
        parts += [part for name, thing in exported(root, module) for part in _thing(name, thing)]
    return "\n".join(parts).rstrip() + "\n"


def _module(root: griffe.Module, name: str) -> griffe.Module:
    inner = name.partition(".")[2]
    module = root[inner] if inner else root
    assert isinstance(module, griffe.Module)
    return module


def _anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w-]", "", heading.lower())


def _summary(thing: griffe.Object) -> str:
    text = thing.docstring.value if thing.docstring else ""
    return " ".join(re.split(r"\n\n|(?<=\.)\s|: ", text)[0].split()).rstrip(".") + "."


def _thing(name: str, thing: griffe.Object) -> Iterator[str]:
    yield f"### `{name}`\n"
    short = name.rpartition(".")[2]
    if thing.is_function or parameters(thing):
        yield _signature(short, [thing])
    yield from _docstring(thing)
    if thing.is_class:
        inner = members(thing)
        properties = [(member, what) for member, what in inner if not what.is_function]
        for member, what in properties:
            said = " ".join(what.docstring.value.split()) if what.docstring else ""
            yield f"- `.{member}` (`{_type(what, what.annotation)}`): {said}"
        yield from [""] * bool(properties)
        for member, what in inner:
            if what.is_function:
                yield f"#### `{short}.{member}`\n"
                yield _signature(f"{short}.{member}", what.overloads or [what])
                yield from _docstring(what)


def _signature(name: str, overloads: list[griffe.Object]) -> str:
    """As code."""
    return "\n".join(["```py", *(_line(name, one) for one in overloads), "```\n"])


def _line(name: str, thing: griffe.Object) -> str:
    """On one line where that is short, otherwise a parameter on each."""
    kinds = griffe.ParameterKind
    words, keyword = [], False
    for one in parameters(thing):
        if one.kind is kinds.keyword_only and not keyword:
            words.append("*")
            keyword = True
        stars = {kinds.var_positional: "*", kinds.var_keyword: "**"}.get(one.kind, "")
        keyword = keyword or one.kind is kinds.var_positional
        default = f" = {one.default}" if one.default and not stars else ""
        words.append(f"{stars}{one.name}: {_type(thing, one.annotation)}{default}")
    returns = f" -> {_type(thing, thing.returns)}" if thing.is_function else ""
    line = f"{name}({', '.join(words)}){returns}"
    if len(line) > _WIDTH:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){returns}"
    return line


def _type(thing: griffe.Object, annotation: griffe.Expr | str | None) -> str:
    """An annotation with our own names for types replaced by what they stand for."""

    def plain(found: re.Match[str]) -> str:
        name = found[0]
        try:
            target = _final(thing.module.members[name])
        except (KeyError, griffe.AliasResolutionError):  # not ours
            return name
        if target.is_class and "TypedDict" in map(str, target.bases):
            return "dict[str, Any]"
        if target.is_attribute and str(target.annotation) == "TypeAlias":
            return re.sub(r"\b[A-Z]\w+", plain, str(target.value).strip("'\""))
        return name

    return re.sub(r"\b_?[A-Z]\w+", plain, str(annotation))


def _docstring(thing: griffe.Object) -> Iterator[str]:
    kinds = griffe.DocstringSectionKind
    for section in thing.docstring.parsed if thing.docstring else []:
        if section.kind is kinds.text:
            yield _text(section.value) + "\n"
        elif section.kind is kinds.parameters:
            yield "Parameters:\n"
            yield from (_item(f"`{one.name}`", one.description) for one in section.value)
            yield ""
        elif section.kind is kinds.raises:
            yield "Raises:\n"
            yield from (
                _item(f"`{str(one.annotation).strip('()')}`", one.description) for one in section.value
            )
            yield ""
        elif section.kind is kinds.returns:
            yield "Returns: " + "; ".join(one.description for one in section.value) + "\n"
        else:
            raise ValueError(f"{thing.path}: no way to show {section.kind.value}")


def _item(name: str, said: str) -> str:
    first, *rest = said.splitlines()
    return "\n".join([f"- {name}: {first}", *(f"  {line}" for line in rest)])


def _text(text: str) -> str:
    """Paragraphs as they are; a table of fields as a list."""
    return _FIELD.sub(lambda found: f"- `{found[1]}`: {' '.join(found[2].split())}", text)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
