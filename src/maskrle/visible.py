"""Text from anywhere, as it can be shown."""

from __future__ import annotations

__all__ = ["visible"]


def visible(text: str) -> str:
    """The text with its escape for each character that is not printable: what a terminal would obey, half
    characters, line ends, and marks that would turn the direction of what follows."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
