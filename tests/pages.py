"""A report's page taken apart, as strictly as a reader of XML would."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

_EMPTY = {"meta", "link", "input", "img"}
_KNOWN = {
    "html", "head", "title", "style", "body", "header", "h1", "bdi", "dl", "div", "dt", "dd", "form",
    "legend", "fieldset", "button", "label", "i", "b", "output", "p", "main", "section", "figure", "svg",
    "path", "span", "figcaption", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
    "script", *_EMPTY,
}  # fmt: skip


class Page(HTMLParser):
    """Elements of a page: (tag, attributes, text), the text being that of the element itself.

    Fails where elements are not closed in order, or where there are any that no page of ours has: something
    that was found has become markup.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.content = content.decode("utf-8")
        self.feed(self.content)
        self.close()
        assert not self._open
        assert len(self.all("script")) == len(self.all("style")) == 1
        for _, attributes, _ in self.elements:
            assert not any(name.startswith("on") or name == "style" for name in attributes)
            for name in ("src", "href"):
                assert attributes.get(name, "data:").startswith("data:")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in _KNOWN, f"<{tag}> came into the page"
        assert len(dict(attributes)) == len(attributes)
        self.elements.append((tag, {name: value or "" for name, value in attributes}, []))
        if tag not in _EMPTY:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> came into the page"
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.elements[self._open[-1]][2].append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"<!--{data}--> came into the page")

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of all elements of this kind."""
        wanted = {name.strip("_"): value for name, value in attributes.items()}
        return [
            (has, "".join(text))
            for name, has, text in self.elements
            if name == tag and wanted.items() <= has.items()
        ]

    @property
    def names(self) -> list[str]:
        """Of the pictures that are shown."""
        found = re.findall(r"<figcaption><bdi>(.*?)</bdi>", self.content, re.DOTALL)
        assert len(found) == len(self.all("figure"))
        return found

    def check_policy(self) -> None:
        """That nothing may be fetched, and nothing run but the script that is there."""
        ((policy, _),) = self.all("meta", http_equiv="Content-Security-Policy") or self.all(
            "meta", **{"http-equiv": "Content-Security-Policy"}
        )
        allowed = dict(part.strip().split(" ", 1) for part in policy["content"].split(";"))
        hashes = {
            kind: "'sha256-"
            + base64.b64encode(hashlib.sha256(self.all(kind)[0][1].encode()).digest()).decode()
            + "'"
            for kind in ("style", "script")
        }
        assert allowed == {
            "default-src": "'none'",
            "img-src": "data:",
            "style-src": hashes["style"],
            "script-src": hashes["script"],
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        assert self.content.index("Content-Security-Policy") < self.content.index("<style>")


def read_page(path: Path) -> Page:
    page = Page(path.read_bytes())
    page.check_policy()
    return page


def without_throughput(page: bytes) -> bytes:
    """A page but for its figures of time."""
    before, mark, rest = page.partition(b'<details id="throughput"')
    assert mark
    return before + rest.partition(b"</details>")[2]
