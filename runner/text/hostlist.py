"""Fold many names into few words: `leaf01 leaf02 leaf03 leaf40` -> `leaf[01-03,40]`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["fold", "natural", "unfold"]

_PARTS = re.compile(r"(\d+)", re.ASCII)
# Longer numbers are not folded: they are not used for counting hosts, and Python limits their length.
_LAST_NUMBER = re.compile(r"(.*?)(?<!\d)(\d{1,18})(\D*)", re.ASCII | re.DOTALL)
_MOST_DIGITS = 18
_AMBIGUOUS = re.compile(r'[\[\],"]')
_FOLDED = re.compile(
    r"([^\[\]]*)\[(\d{1,18}(?:-\d{1,18})?(?:,\d{1,18}(?:-\d{1,18})?)*)\]([^\[\]]*)", re.ASCII
)
_MOST_UNFOLDED = 1_000_000
"""Most names in one word: more than any fleet has, so a longer range cannot be a folded list of hosts."""


class _Shape(NamedTuple):
    """The common part of names that fold together; `width` is 0 for numbers without leading zeros."""

    prefix: str
    suffix: str
    width: int


def natural(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """Return a key that sorts names by their numbers: `r2` before `r10`."""
    return tuple(_key(part) for part in _PARTS.split(name) if part)


def _key(part: str) -> tuple[int, int, str, str]:
    """Return the sort key of one part; compare numbers as text, because they may have thousands of digits."""
    if not (part.isascii() and part.isdecimal()):
        return 0, 0, part, ""
    digits = part.lstrip("0")
    return 1, len(digits), digits, part


def fold(names: Iterable[str]) -> str:
    """Fold names by their last number into ranges, which mean exactly these names.

    A name that contains a character of this notation is not folded, and becomes a JSON string.
    """
    numbered: dict[_Shape, list[int]] = {}
    words: list[str] = []
    for name in set(names):
        shape, number = _shape(name)
        if shape is None:
            words.append(name)
        else:
            numbered.setdefault(shape, []).append(number)
    _join_unpadded(numbered)
    parts = [(natural(word), _quoted(word)) for word in words]
    for shape, numbers in numbered.items():
        numbers.sort()
        first = f"{shape.prefix}{numbers[0]:0{shape.width}d}{shape.suffix}"
        parts.append((natural(first), _written(shape, numbers)))
    return ",".join(text for _, text in sorted(parts))


def _shape(name: str) -> tuple[_Shape | None, int]:
    """Return a name's shape and number; the shape is None if the name does not fold."""
    if _AMBIGUOUS.search(name):
        return None, 0
    prefix = name.rstrip("0123456789")
    digits = name[len(prefix) :]
    if 0 < len(digits) <= _MOST_DIGITS:
        return _Shape(prefix, "", len(digits)), int(digits)
    match = None if digits else _LAST_NUMBER.fullmatch(name)
    if match is None:
        return None, 0
    return _Shape(match[1], match[3], len(match[2])), int(match[2])


def _join_unpadded(numbered: dict[_Shape, list[int]]) -> None:
    """Join numbers without leading zeros, whatever their length."""
    for shape in list(numbered):
        numbers = numbered[shape]
        if shape.width == 1 or min(numbers) >= 10 ** (shape.width - 1):
            del numbered[shape]
            numbered.setdefault(shape._replace(width=0), []).extend(numbers)


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) if _AMBIGUOUS.search(name) else name


def _written(shape: _Shape, numbers: list[int]) -> str:
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
    """Return the names in one word of a folded text: four for `leaf[01-03,40]`.

    Return an empty list for a word without this form, with a descending range, or with over a million names.
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
