"""Output modifiers after a pipe: `show … | include PATTERN` and similar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.demo.cli.grammar import Fault, Refusal, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["apply"]


def _include(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [line for line in lines if pattern.search(line)]


def _exclude(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [line for line in lines if not pattern.search(line)]


def _begin(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    for number, line in enumerate(lines):
        if pattern.search(line):
            return lines[number:]
    return []


def _section(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    """Keep each line that matches, and the lines indented under it."""
    kept: list[str] = []
    inside = False
    for line in lines:
        indented = line.startswith(" ")
        inside = bool(pattern.search(line)) or (inside and indented)
        if inside:
            kept.append(line)
    return kept


def _count(lines: list[str], pattern: re.Pattern[str]) -> list[str]:
    return [f"Number of lines which match regexp = {len(_include(lines, pattern))}"]


_FILTERS: dict[str, Callable[[list[str], re.Pattern[str]], list[str]]] = {
    "begin": _begin,
    "count": _count,
    "exclude": _exclude,
    "include": _include,
    "section": _section,
}


def apply(text: str, modifier: str, column: int) -> str:
    """Return `text` with a modifier applied.

    Args:
        text: The output of the command.
        modifier: The text after the pipe, such as ` include up`.
        column: The column in the line at which the modifier begins.

    Raises:
        Refusal: The modifier is unknown or ambiguous, or its pattern is missing or not a regular expression.
    """
    words = tokens_of(modifier)
    if not words:
        raise Refusal(Fault.INCOMPLETE, column)
    names = [name for name in _FILTERS if name.startswith(words[0].text.lower())]
    if len(names) != 1:
        fault = Fault.AMBIGUOUS if names else Fault.INVALID
        raise Refusal(fault, column + words[0].column)
    if len(words) == 1:
        raise Refusal(Fault.INCOMPLETE, column + len(modifier))
    try:
        pattern = re.compile(modifier[words[1].column :])
    except re.error as exc:
        raise Refusal(Fault.INVALID, column + words[1].column) from exc
    lines = _FILTERS[names[0]](text.splitlines(), pattern)
    return "".join(line + "\n" for line in lines)
