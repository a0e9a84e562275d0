r"""Convert untrusted bytes and characters to visible text, in linear time and with little memory.

With one Python call per character, 15 MB of control characters take 20 seconds and a gigabyte. Here a table
has an entry for every common character, and text is translated in pieces, between which other threads run.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Table", "decoded", "decoded_pieces", "escaped_byte", "is_text", "translated"]

_DENSE = range(0x3000)
_SURROGATES = range(0xD800, 0xE000)
_ESCAPED_BYTES = range(0xDC80, 0xDD00)
"""The code points that `surrogateescape` uses for bytes (PEP 383)."""
_PIECE = 2**18


class Table(dict[int, "int | str"]):
    """A translation table for `str.translate`.

    Args:
        mark: Returns the text for a code point, or the code point itself to keep the character.
    """

    def __init__(self, mark: Callable[[int], int | str]) -> None:
        super().__init__((code, mark(code)) for codes in (_DENSE, _SURROGATES) for code in codes)
        self._mark = mark

    def __missing__(self, code: int) -> int | str:
        return self._mark(code)  # not stored: an untrusted text may hold a million different characters


def translated(text: str, table: Table) -> str:
    """Return a text with every character translated by the table."""
    if len(text) <= _PIECE:
        return text.translate(table)
    return "".join([text[at : at + _PIECE].translate(table) for at in range(0, len(text), _PIECE)])


def decoded(data: bytes) -> str:
    r"""Return bytes as text; a byte that is not UTF-8 is shown as `\xNN`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(decoded_pieces(data))


def decoded_pieces(data: bytes) -> Iterator[str]:
    """Yield the result of `decoded` in pieces, so that it is never in memory as a whole."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid = is_text(data)
    for at in range(0, len(data), _PIECE):
        text = decoder.decode(data[at : at + _PIECE], at + _PIECE >= len(data))
        yield text if valid else _with_marks(text)


def is_text(data: bytes) -> bool:
    """Return whether bytes are valid UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def escaped_byte(code: int) -> str | None:
    r"""Return the byte that a surrogate character represents (PEP 383), as `\xNN`; else None."""
    return f"\\x{code - 0xDC00:02x}" if code in _ESCAPED_BYTES else None


def _with_marks(text: str) -> str:
    r"""Return a text with each byte of `surrogateescape` as `\xNN`.

    The encoder writes `\udcNN` for such a byte, at full speed. A host may print the same six characters, so
    their `\ud` is replaced with U+DF00 meanwhile, which no decoder returns.
    """
    marked = text.replace(r"\ud", "\udf00").encode("utf-8", "backslashreplace")
    return marked.replace(rb"\udc", rb"\x").replace(rb"\udf00", rb"\ud").decode()
