"""The documents taken apart as their readers do: examples, commands, code in the text, headings, links.

`python tests/documents.py DIR` writes the Python examples of each document into DIR, to be type-checked.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder, pattern in (
        (".", "*.md"),
        ("docs", "**/*.md"),
        ("benchmarks", "**/*.md"),
        ("examples", "**/*.md"),
    )
    for path in (ROOT / folder).glob(pattern)
)

_FENCED = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def blocks(document: str) -> list[Block]:
    """What stands between fences."""
    return [Block(*found.groups()) for found in _FENCED.finditer((ROOT / document).read_text("utf-8"))]


def python(document: str, language: str = "python") -> list[str]:
    """The Python examples; names of one are known to the next."""
    return [block.text for block in blocks(document) if block.language == language]


def prose(document: str) -> str:
    """All but what stands between fences."""
    return _COMMENT.sub("", _FENCED.sub("", (ROOT / document).read_text("utf-8")))


def inline_code(document: str) -> list[str]:
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose(document))]


def commands(text: str) -> list[list[str]]:
    """The words of each command of a shell script."""
    lines = text.replace("\\\n", " ").splitlines()
    parts = (part for line in lines for part in re.split(r" (?:&&|\|) ", line))
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def typed(console: str) -> list[str]:
    """What was typed at a terminal, without what came of it."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)$", console, re.MULTILINE)


def links(document: str) -> list[str]:
    """Targets of links and addresses of pictures, as written."""
    text = prose(document)
    found = re.findall(r"\]\(([^()\s]+)\)", text)
    return found + re.findall(r"""(?:src|srcset|href)="([^"]+)\"""", text)


def anchors(document: str) -> set[str]:
    """What GitHub makes of the headings: `#` of links."""
    found: dict[str, int] = {}
    made = set()
    for heading in re.findall(r"^#+ +(.+)$", prose(document), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        again = found.get(slug, 0)
        found[slug] = again + 1
        made.add(f"{slug}-{again}" if again else slug)
    return made


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for document in DOCUMENTS:
        if examples := python(document):
            name = re.sub(r"\W", "_", document.removesuffix(".md"))
            (folder / f"{name}.py").write_text("\n".join(examples), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
