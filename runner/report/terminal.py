"""Make device output safe to print: replace control characters before they reach the operator's terminal."""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import TYPE_CHECKING

from runner.text.translation import Table, escaped_byte, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

__all__ = ["Part", "Style", "visible", "visible_blocks", "visible_line", "visible_lines", "write_lines"]

# C0 but newline and tab, DEL, C1, soft hyphen, zero-width and bidirectional marks, line and paragraph
# separators, surrogates, the byte order mark, and tag characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_TOGETHER = 2**16
_BLOCK = 2**18
_CONTINUATION = range(0x80, 0xC0)
"""Bytes in the middle of a character of UTF-8 (RFC 3629)."""


def visible(text: str) -> str:
    r"""Return text with every control, escape and invisible character as a visible mark (`\\x1b`).

    The carriage return of a CRLF line end is dropped, because network gear ends its lines with CRLF.
    """
    return _marked(text.replace("\r\n", "\n"))


def _marked(text: str) -> str:
    return translated(text, _visible()) if _UNSAFE.search(text) else text


def visible_lines(data: bytes) -> Iterable[str]:
    """Return the lines of a host's output, made visible, without empty lines at its beginning and end."""
    return itertools.chain.from_iterable(visible_blocks(data))


def visible_blocks(data: bytes) -> Iterator[Sequence[str]]:
    """Yield the lines of a host's output, made visible, in blocks of many lines.

    Replacing characters by marks can multiply the size of an output, and the host decides how much it sends.
    So only one block is converted at a time. A line longer than a block is yielded in parts.
    """
    for _ in range(2):  # some network gear ends its lines with CR CR LF
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n")
    data = data.strip(b"\n")
    if not data:
        return
    begin = 0
    while len(data) - begin > _BLOCK:
        end = data.rfind(b"\n", begin, begin + _BLOCK)
        if end < 0:
            end = data.find(b"\n", begin)
            end = len(data) if end < 0 else end
            while end - begin > _BLOCK:
                cut = _cut(data, begin + _BLOCK)
                yield (Part(_shown(data[begin:cut])),)
                begin = cut
        yield _shown(data[begin:end]).split("\n")
        if end == len(data):
            return
        begin = end + 1
    yield _shown(data[begin:]).split("\n")


def _shown(data: bytes) -> str:
    """Decode bytes and make them visible; bytes that are not UTF-8 are decoded and marked in one pass."""
    try:
        return _marked(data.decode())
    except UnicodeDecodeError:
        return translated(data.decode("utf-8", "surrogateescape"), _visible_bytes())


def _cut(data: bytes, at: int) -> int:
    """Return `at`, or the start of the UTF-8 character around it (up to three bytes earlier)."""
    return next((place for place in range(at, at - 4, -1) if data[place] not in _CONTINUATION), at)


def visible_line(text: str) -> str:
    """Return text as one line, made visible; tabs and line ends become marks too."""
    if text.isprintable():
        return text
    return translated(text, _visible()).replace("\t", "\\t").replace("\n", "\\n")


def write_lines(stream: TextIO, lines: Iterable[str]) -> None:
    """Write lines and parts in batches, so that no output is in memory a second time."""
    together: list[str] = []
    size = 0
    for line in lines:
        together += (line,) if isinstance(line, Part) else (line, "\n")
        size += len(line)
        if size > _TOGETHER:
            stream.writelines(together)
            together, size = [], 0
    stream.writelines(together)


@cache
def _visible() -> Table:
    def mark(code: int) -> int | str:
        char = chr(code)
        return char.encode("unicode_escape", "surrogatepass").decode("ascii") if _UNSAFE.match(char) else code

    return Table(mark)


@cache
def _visible_bytes() -> Table:
    table = _visible()
    return Table(lambda code: escaped_byte(code) or table[code])


class Part(str):
    """One part of a long line; another part follows."""

    __slots__ = ()


class Style:
    """Colours if the stream is a terminal that supports them; plain text otherwise (no-color.org)."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def good(self, text: str) -> str:
        """Paint a success (green)."""
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        """Paint a failure (red)."""
        return self._paint("31", text)

    def warn(self, text: str) -> str:
        """Paint a warning: something that could not be done or is not known (yellow)."""
        return self._paint("33", text)

    def faint(self, text: str) -> str:
        """Paint text that only helps orientation (cyan)."""
        return self._paint("36", text)

    def bold(self, text: str) -> str:
        """Print a heading in bold."""
        return self._paint("1", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
