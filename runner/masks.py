"""`--ignore`: what of an output is left out before outputs are compared: uptimes, times, counters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.text import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MASK", "found", "mask", "masks"]

MASK = "…"
"""What is shown in the place of what was left out."""

_LONGEST_LINE = 4096
"""Characters. A longer line is compared as it is: what a match costs grows faster than its line."""
_ATOMS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")


def masks(value: object) -> tuple[re.Pattern[str], ...]:
    """Read one regular expression or a list of them.

    Raises:
        ValueError: One cannot be read, matches an empty text, or repeats a group that itself repeats: a
            device could print a line over which such an expression does not come to an end.
    """
    items = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(item if isinstance(item, re.Pattern) else _compiled(item) for item in items)


def mask(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """Return a text with every match in a line of it left out."""
    if not patterns:
        return text
    return "\n".join(_masked(line, patterns) for line in text.split("\n"))


def found(text: str, pattern: re.Pattern[str]) -> bool:
    """Tell whether a line of a text has a match; one that is too long to be masked has none."""
    lines = text.replace("\r\n", "\n").split("\n")
    return any(len(line) <= _LONGEST_LINE and pattern.search(line) for line in lines)


def _masked(line: str, patterns: Sequence[re.Pattern[str]]) -> str:
    if len(line) > _LONGEST_LINE:
        return line
    for pattern in patterns:
        line = pattern.sub(MASK, line)
    return line


def _compiled(value: object) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise ValueError("expected a regular expression, or a list of them")  # noqa: TRY004 - what readers raise
    try:
        pattern = compiled(value)
    except (re.error, RecursionError, OverflowError) as exc:
        raise ValueError(f"expected a regular expression: {exc}") from exc
    if pattern.fullmatch("") is not None:
        raise ValueError("expected a regular expression that matches no empty text")
    if _repeats_a_repeat(value):
        raise ValueError("expected no repeat of a group that holds one: write [0-9:]+ for ([0-9]+:)+")
    return pattern


def _repeats_a_repeat(expression: str) -> bool:
    """Tell whether a repeated group has a repeat or a choice in it, which may cost exponential time."""
    plain = _ATOMS.sub("x", expression)
    groups: list[bool] = [False]
    for index, char in enumerate(plain):
        if char == "(":
            groups.append(False)
        elif char == ")":
            inner = groups.pop() if len(groups) > 1 else False
            if inner and _REPEAT.match(plain, index + 1):
                return True
            groups[-1] |= inner
        elif char == "|" or _REPEAT.match(plain, index):
            groups[-1] = True
    return False
