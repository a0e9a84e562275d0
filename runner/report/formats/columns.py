"""Text in aligned columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.report.terminal import Style

__all__ = ["aligned", "cut", "width_of"]

_GAP = "  "


def width_of(text: str) -> int:
    """Return the width of a text in columns: East Asian wide characters take two (UAX #11), marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut(text: str, columns: int) -> str:
    """Return a text cut to at most `columns` columns; a text that was cut ends with `…`."""
    if width_of(text) <= columns:
        return text
    end = min(len(text), max(0, columns - 1))
    while end and width_of(text[:end]) >= columns:
        end -= 1
    return text[:end] + "…" if columns > 0 else ""


def aligned(
    names: Sequence[str], rows: Iterable[Sequence[str]], width: int | None, style: Style
) -> Iterator[str]:
    """Yield the lines of a table, its heading first.

    Args:
        names: The headings of the columns.
        rows: The rows, each with one cell per heading.
        width: Columns of the terminal; longer lines are cut. None cuts nothing.
        style: The style of the heading.
    """
    kept = [tuple(row) for row in rows]
    widths = [max(map(width_of, column)) for column in zip(names, *kept, strict=True)]
    for number, row in enumerate((names, *kept)):
        cells = [text + " " * (room - width_of(text)) for text, room in zip(row, widths, strict=True)]
        line = _GAP.join(cells).rstrip()
        line = line if width is None else cut(line, width)
        yield line if number else style.bold(line)
