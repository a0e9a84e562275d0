"""Split text into words as a POSIX shell does, in linear time."""

from __future__ import annotations

import re

__all__ = ["split_words"]

_QUOTES = r"""'(?P<single>[^']*+)'|"(?P<double>(?:[^"\\]|\\.)*+)"|\\(?P<escaped>.)"""
_PIECE = re.compile(rf"""(?P<blank>[ \t\r\n]++)|(?P<plain>[^ \t\r\n'"\\]++)|{_QUOTES}""", re.DOTALL)
_WITH_COMMENTS = re.compile(
    rf"""(?P<blank>[ \t\r\n]++|\#[^\n]*+)|(?P<plain>[^ \t\r\n'"\\\#]++)|{_QUOTES}""", re.DOTALL
)
_IN_DOUBLE = re.compile(r'\\([\\"])')


def split_words(text: str, *, comments: bool = False) -> list[str]:
    """Split a text like `shlex.split`, which would take a week for a line of 64 MB.

    Args:
        text: The text.
        comments: Whether `#` begins a comment, which ends with its line.

    Raises:
        ValueError: A quote is not closed, or a backslash ends the text.
    """
    piece = _WITH_COMMENTS if comments else _PIECE
    words: list[str] = []
    parts: list[str] = []
    at = 0
    while at < len(text):
        found = piece.match(text, at)
        if found is None:
            raise ValueError("No escaped character" if text[at] == "\\" else "No closing quotation")
        at = found.end()
        kind = str(found.lastgroup)
        if kind == "blank":
            if parts:
                words.append("".join(parts))
                parts = []
        else:
            parts.append(_IN_DOUBLE.sub(r"\1", found[kind]) if kind == "double" else found[kind])
    return [*words, "".join(parts)] if parts else words
