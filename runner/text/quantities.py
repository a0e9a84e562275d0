"""Parse quantities from a command line: `30`, `1.5`, `2m`, `16M`, `25%`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Share", "Spread", "age", "count", "rate", "seconds", "share", "shares", "size", "spread", "times"]

_WHOLE = 100  # percent
_MOST = 10**9
"""Largest whole number: enough for every setting, and it fits in 32 bits."""
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_S = 7 * 24 * 3600.0
"""Longest time: poll(2) counts milliseconds in 31 bits, which is under 25 days."""
_AGES_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_OLDEST_S = 100 * 365 * 86400.0
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_MOST_BYTES = 2**40
_SLOWEST = 0.001


class Spread(NamedTuple):
    """A limit on how many hosts with the same value of a variable run at once.

    Attributes:
        variable: The variable's name.
        most: The number of hosts.
    """

    variable: str
    most: int = 1

    def __str__(self) -> str:
        return f"{self.variable}:{self.most}"


@dataclass(frozen=True, slots=True)
class Share:
    """A number or percentage of hosts.

    Attributes:
        amount: The number.
        percent: Whether the number is a percentage.
    """

    amount: float
    percent: bool = False

    def __str__(self) -> str:
        return f"{self.amount:g}{'%' if self.percent else ''}"

    def of(self, total: int) -> int:
        """Return the number of hosts, out of `total`, rounded down."""
        # 33.3 is stored as slightly less; rounding to a millionth of a host first corrects that.
        return int(round(self.amount * total / _WHOLE, 6)) if self.percent else int(self.amount)


def count(value: Any) -> int:
    """Parse a whole number, 0 or more and at most a billion."""
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError("expected a whole number, such as 10") from None
    if not 0 <= number <= _MOST or isinstance(value, bool):
        raise ValueError(f"expected a whole number, 0 or more and at most {_MOST}")
    return number


def times(value: Any) -> int:
    """Parse a number of times: a whole number, 1 or more."""
    number = count(value)
    if number == 0:
        raise ValueError("expected a whole number, 1 or more")
    return number


def seconds(value: Any) -> float:
    """Parse a duration, in seconds unless it ends in ms, s, m or h; more than 0, at most a week."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|)", str(value).strip(), re.ASCII)
    span = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 0 < span <= _LONGEST_S:
        raise ValueError("expected a time, such as 30, 1.5s or 2m, more than 0 and at most 168h")
    return span


def age(value: Any) -> float:
    """Parse an age, a number with s, m, h, d or w, and return it in seconds; at most a hundred years."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", str(value).strip(), re.ASCII)
    span = float(match[1]) * _AGES_S[match[2]] if match else -1.0
    if not 0 <= span <= _OLDEST_S:
        raise ValueError("expected an age, such as 12h, 30d or 2w")
    return span


def size(value: Any) -> int:
    """Parse a number of bytes, with or without K, M or G (powers of 1024); at most 1024G."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:b|([kmg])(?:i?b)?)?", str(value).strip().lower(), re.ASCII)
    number = float(match[1]) * _BYTES[match[2] or ""] if match else 0.0
    if not 0 < number <= _MOST_BYTES:
        raise ValueError("expected a size, such as 64K or 16M, more than 0 and at most 1024G")
    return max(1, int(number))


def rate(value: Any) -> float:
    """Parse a rate per second, at least 0.001; 0 means no limit."""
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if number != 0 and not _SLOWEST <= number < math.inf:
        raise ValueError("expected a number a second, such as 50 or 0.5; 0 is no limit")
    return number


def share(value: Any) -> Share:
    """Parse a number or percentage of hosts."""
    match = re.fullmatch(r"(\d{1,9})|(\d+(?:\.\d+)?)%", str(value).strip(), re.ASCII)
    if match is None or (match[2] and float(match[2]) > _WHOLE):
        raise ValueError("expected a number of hosts or a percentage, such as 5 or 10%")
    return Share(float(match[2]), percent=True) if match[2] else Share(float(match[1]))


def shares(value: Any) -> tuple[Share, ...]:
    """Parse batch sizes: one, or several separated by commas, of which the last is repeated."""
    items = value if isinstance(value, (list, tuple)) else str(value).split(",")
    found = tuple(share(item) for item in items)
    if not found or any(item.amount == 0 for item in found):
        raise ValueError("expected batch sizes more than 0, such as 1,10%,100%")
    return found


def spread(value: Any) -> Spread:
    """Parse a variable name and, after a colon, the number of hosts with one value of it; 1 by default."""
    match = re.fullmatch(r"([A-Za-z_]\w*)(?::([1-9]\d{0,5}))?", str(value).strip(), re.ASCII)
    if match is None:
        raise ValueError("expected a variable and a number of hosts, such as site:2 or chassis")
    return Spread(match[1], int(match[2] or 1))
