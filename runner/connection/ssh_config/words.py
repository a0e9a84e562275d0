"""Split a line of `ssh_config` into words (ssh_config(5), OpenSSH's `strdelim` and `argv_split`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["arguments", "criteria", "keyword"]

# A backslash escapes a quote or a backslash after it; outside of quotes it also escapes a space.
_QUOTED = r"""\"(?>\\['"\\]|[^"])*+"|'(?>\\['"\\]|[^'])*+'"""
_PIECE = re.compile(rf"""{_QUOTED}|\\['"\\ ]|[^ \t"']""")
_WORD = re.compile(rf"(?>{_PIECE.pattern})++(?=[ \t]|\Z)")
_CRITERION = re.compile(r'"([^"]*)"[ \t]*|([^\s"=]+)(?:[ \t]+|[ \t]*=[ \t]*|(?=")|\Z)')


def keyword(line: str) -> tuple[str, str] | None:
    """Return a line's keyword in lower case and the text after it; None for an empty line or a comment.

    White space separates a keyword from its arguments, or one `=` with optional white space around it.

    Raises:
        ValueError: Nothing follows the keyword, or it is quoted, which versions of `ssh` read differently.
    """
    text = line.strip(" \t\r\n\f")
    if not text or text.startswith("#"):
        return None
    found = re.match(r"([^ \t\r\n\"=]+)(?:[ \t]*=[ \t]*|[ \t]+)", text)
    if found is None:
        raise ValueError(f"{text[:40]!r}: no argument after the keyword")
    rest = text[found.end() :]
    if not rest or rest.startswith("="):
        raise ValueError(f"{found[1][:40]!r}: no argument after the keyword")
    return found[1].lower(), rest


def arguments(text: str, *, may_be_empty: bool = False) -> list[str]:
    """Split the text after a keyword; quotes group words, `#` at the beginning of a word ends the line.

    Args:
        text: The text after the keyword.
        may_be_empty: Whether a word may be empty.

    Raises:
        ValueError: A quote is not closed, or a word is empty and may not be.
    """
    words: list[str] = []
    text = text.lstrip(" \t")
    while text and text[0] != "#":
        found = _WORD.match(text)
        if found is None:
            raise ValueError("a quote is not closed")
        word = "".join(map(_plain, _PIECE.findall(found[0])))
        if not word and not may_be_empty:
            raise ValueError("an argument is empty")
        words.append(word)
        text = text[found.end() :].lstrip(" \t")
    return words


def _plain(piece: str) -> str:
    """Return a quoted text without its quotes, or an escaped character without its backslash."""
    if piece[0] in "\"'":
        return re.sub(r"""\\(['"\\])""", r"\1", piece[1:-1])
    return piece[1:] or piece


def criteria(text: str) -> Iterator[str]:
    """Yield the words of a `Match` line: criterion and argument in turn, which `=` may also separate.

    Raises:
        ValueError: The line cannot be split reliably.
    """
    place = 0
    while place < len(text) and text[place] != "#":
        found = _CRITERION.match(text, place)
        if found is None or "\\" in found[0] or (found[1] is None and "'" in found[0]):
            raise ValueError(f"Match: {text[place : place + 40]!r} cannot be read")
        yield found[2] if found[1] is None else found[1]
        place = found.end()
