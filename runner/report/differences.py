"""`--diff`: show the most common output in full, and the others as differences from it."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.report.terminal import Style

__all__ = ["unified"]

_CONTEXT = 3
_MOST_LINES = 4000
"""Most lines compared on either side: the cost grows with their square, and devices decide the number."""
_HUNK = re.compile(r"@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@")


def unified(
    base: Sequence[str], other: Sequence[str], names: tuple[str, str], style: Style
) -> list[str] | None:
    """Return the lines of a unified diff; None if there are too many lines to compare."""
    head = _alike(zip(base, other, strict=False))
    tail = _alike(zip(reversed(base[head:]), reversed(other[head:]), strict=False))
    if max(len(base), len(other)) - head - tail > _MOST_LINES:
        return None
    begin, end = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    diff = difflib.unified_diff(
        base[begin : len(base) - end],
        other[begin : len(other) - end],
        *names,
        n=_CONTEXT,
        lineterm="",
    )
    return [_painted(_placed(line, begin), style) for line in diff]


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    """Return how many pairs at the beginning have equal lines."""
    count = 0
    for left, right in pairs:
        if left != right:
            break
        count += 1
    return count


def _placed(line: str, begin: int) -> str:
    """Return a hunk's head with line numbers of the whole texts; any other line unchanged."""
    match = _HUNK.fullmatch(line)
    if match is None:
        return line
    left, right = (int(match[place]) + begin for place in (1, 3))
    return f"@@ -{left}{match[2] or ''} +{right}{match[4] or ''} @@"


def _painted(line: str, style: Style) -> str:
    paint = {"+": style.good, "-": style.bad, "@": style.faint}.get(line[:1])
    return paint(line) if paint else line
