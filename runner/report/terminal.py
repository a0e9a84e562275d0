"""What a device prints never drives the operator's terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Style", "visible", "visible_line", "visible_lines"]

# C0 but newline and tab, DEL, C1, soft hyphen, zero-width and bidirectional marks, line and paragraph
# separators, surrogates, the byte order mark, and tag characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_HARMLESS = bytes(range(0x20, 0x7F)) + b"\t\n"


def visible(text: str) -> str:
    r"""Return text with every control, escape and invisible character as a visible mark (`\\x1b`).

    The carriage return of a CRLF line end is dropped: it is how network gear ends its lines.
    """
    return _UNSAFE.sub(_mark, text.replace("\r\n", "\n"))


def visible_lines(data: bytes) -> Iterable[str]:
    """Return the lines of what a host sent, made visible, without empty ones at its begin and end.

    Plain ASCII, which most of it is, is dealt with at one stroke. Of anything else each line is by itself: as
    marks it takes several times the memory, and hosts decide how much of it there is.
    """
    for _ in range(2):  # some gear ends its lines by CR CR LF
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
    data = data.strip(b"\n")
    if not data.translate(None, _HARMLESS):
        return data.decode("ascii").split("\n") if data else ()
    return (visible(line.decode("utf-8", "backslashreplace")) for line in data.split(b"\n"))


def visible_line(text: str) -> str:
    """Return text as one line, made visible; tabs and line ends become marks too."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(_mark, text).replace("\t", "\\t").replace("\n", "\\n")


def _mark(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


class Style:
    """Colours for a terminal that takes them, and nothing for any other stream (no-color.org)."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def good(self, text: str) -> str:
        """Mark what went well."""
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        """Mark what did not."""
        return self._paint("31", text)

    def warn(self, text: str) -> str:
        """Mark what could not be done or known."""
        return self._paint("33", text)

    def faint(self, text: str) -> str:
        """Mark what is there to find one's way by."""
        return self._paint("36", text)

    def bold(self, text: str) -> str:
        """Mark a heading."""
        return self._paint("1", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
