"""Output modifiers after a pipe: `show … | include PATTERN` and similar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.demo.cli.grammar import Fault, Refusal, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.demo.cli.grammar import Token

__all__ = ["IOS_FILTERS", "JUNOS_FILTERS", "SWITCH_FILTERS", "Filter", "apply"]


class Filter(NamedTuple):
    """An output modifier: the lines that it keeps, and whether a pattern follows its name."""

    keep: Callable[[list[str], re.Pattern[str]], list[str]]
    takes_pattern: bool = True


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


def _count_all(lines: list[str], _pattern: re.Pattern[str]) -> list[str]:
    return [f"Count: {len(lines)} lines"]


_NO_MORE = Filter(lambda lines, _pattern: lines, takes_pattern=False)

IOS_FILTERS: Mapping[str, Filter] = {
    "begin": Filter(_begin),
    "count": Filter(_count),
    "exclude": Filter(_exclude),
    "include": Filter(_include),
    "section": Filter(_section),
}
"""The modifiers of IOS."""

SWITCH_FILTERS: Mapping[str, Filter] = {**IOS_FILTERS, "no-more": _NO_MORE}
"""The modifiers of NX-OS and EOS."""

JUNOS_FILTERS: Mapping[str, Filter] = {
    "count": Filter(_count_all, takes_pattern=False),
    "except": Filter(_exclude),
    "find": Filter(_begin),
    "match": Filter(_include),
    "no-more": _NO_MORE,
}
"""The modifiers of Junos."""


def apply(text: str, modifier: str, column: int, filters: Mapping[str, Filter] = IOS_FILTERS) -> str:
    """Return `text` with a modifier applied.

    Args:
        text: The output of the command.
        modifier: The text after the pipe, such as ` include up`.
        column: The column in the line at which the modifier begins.
        filters: The modifiers of the platform.

    Raises:
        Refusal: The modifier is unknown or ambiguous, or its pattern is missing or not a regular expression.
    """
    words = tokens_of(modifier)
    if not words:
        raise Refusal(Fault.INCOMPLETE, column)
    names = [name for name in filters if name.startswith(words[0].text.lower())]
    if len(names) != 1:
        fault = Fault.AMBIGUOUS if names else Fault.INVALID
        raise Refusal(fault, column + words[0].column)
    chosen = filters[names[0]]
    if len(words) > 1 and not chosen.takes_pattern:
        raise Refusal(Fault.INVALID, column + words[1].column)
    pattern = _pattern(modifier, words, column) if chosen.takes_pattern else re.compile("")
    return "".join(line + "\n" for line in chosen.keep(text.splitlines(), pattern))


def _pattern(modifier: str, words: list[Token], column: int) -> re.Pattern[str]:
    if len(words) == 1:
        raise Refusal(Fault.INCOMPLETE, column + len(modifier))
    try:
        return re.compile(modifier[words[1].column :])
    except re.error as exc:
        raise Refusal(Fault.INVALID, column + words[1].column) from exc
