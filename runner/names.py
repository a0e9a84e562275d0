"""Many names as few words: `leaf01 leaf02 leaf03 leaf40` -> `leaf[01-03,40]`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["fold", "natural", "unfold"]

_PARTS = re.compile(r"(\d+)", re.ASCII)
# Numbers of more digits are not folded: a name that long is nobody's count, and Python bounds what it reads.
_LAST_NUMBER = re.compile(r"(.*?)(?<!\d)(\d{1,18})(\D*)", re.ASCII | re.DOTALL)
_AMBIGUOUS = frozenset('[],"')
_FOLDED = re.compile(
    r"([^\[\]]*)\[(\d{1,18}(?:-\d{1,18})?(?:,\d{1,18}(?:-\d{1,18})?)*)\]([^\[\]]*)", re.ASCII
)
_MOST_UNFOLDED = 1_000_000
"""More names than any fleet has; a range of more is no list that somebody folded."""


class _Shape(NamedTuple):
    """What names that fold together have in common; `width` is 0 without leading zeros."""

    prefix: str
    suffix: str
    width: int


def natural(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """Return a key that sorts names as people count: `r2` before `r10`."""
    return tuple(_key(part) for part in _PARTS.split(name) if part)


def _key(part: str) -> tuple[int, int, str, str]:
    """Return a number's key by its digits: names come from others, and may hold thousands of them."""
    if not (part.isascii() and part.isdecimal()):
        return 0, 0, part, ""
    digits = part.lstrip("0")
    return 1, len(digits), digits, part


def fold(names: Iterable[str]) -> str:
    """Return names with their last numbers folded to ranges, standing for these names and no others.

    A name that holds a character of this notation stands by itself, as a JSON string.
    """
    ordered = sorted(set(names), key=natural)
    matches = {
        name: None if _AMBIGUOUS.intersection(name) else _LAST_NUMBER.fullmatch(name) for name in ordered
    }
    padded = {
        _Shape(match[1], match[3], len(match[2]))
        for match in matches.values()
        if match is not None and match[2].startswith("0") and len(match[2]) > 1
    }
    groups: dict[_Shape | str, list[int]] = {}
    for name, match in matches.items():
        if match is None:
            groups[name] = []
            continue
        shape = _Shape(match[1], match[3], len(match[2]))
        groups.setdefault(shape if shape in padded else shape._replace(width=0), []).append(int(match[2]))
    return ",".join(_written(shape, numbers) for shape, numbers in groups.items())


def _written(shape: _Shape | str, numbers: list[int]) -> str:
    if isinstance(shape, str):
        return json.dumps(shape, ensure_ascii=False) if _AMBIGUOUS.intersection(shape) else shape
    ranges = [
        f"{first:0{shape.width}d}" if first == last else f"{first:0{shape.width}d}-{last:0{shape.width}d}"
        for first, last in _ranges(numbers)
    ]
    inner = ranges[0] if len(numbers) == 1 else f"[{','.join(ranges)}]"
    return f"{shape.prefix}{inner}{shape.suffix}"


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def unfold(word: str) -> list[str]:
    """Return the names that one word of a folded text stands for: `leaf[01-03,40]` is four.

    A word of no such form is none, and so is one whose ranges run backwards or make over a million names.
    """
    match = _FOLDED.fullmatch(word)
    if match is None:
        return []
    names: list[str] = []
    for item in match[2].split(","):
        first, _, last = item.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        if not numbers or len(names) + len(numbers) > _MOST_UNFOLDED:
            return []
        names += [f"{match[1]}{number:0{len(first)}d}{match[3]}" for number in numbers]
    return names
