"""Limits on the size of template results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

__all__ = ["MAX_RESULT", "MAX_TOTAL", "FilterError", "Plain", "bounded"]

MAX_RESULT = 65_536
"""Maximum length of a text, and maximum number of items of a list or mapping, in a template result."""
MAX_TOTAL = 1_000_000
"""Maximum total number of characters and items in a template result."""

_MAX_BITS = 256
_MAX_DEPTH = 20


class FilterError(Exception):
    """A filter refuses its input, or a result is too large. The message is one line for people."""


def bounded(value: Any) -> Any:
    """Check the size of a value and return it unchanged.

    Raises:
        FilterError: It is larger than any value that an inventory needs.
    """
    if isinstance(value, (str, bytes, list, tuple, dict, set)) and len(value) > MAX_RESULT:
        raise FilterError(f"a result of more than {MAX_RESULT} characters or items")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise FilterError("a number of more than 77 digits")
    return value


class Plain:
    """Turns results into plain values, and limits their total size.

    Args:
        most: Maximum total number of characters and items.
    """

    def __init__(self, most: int = MAX_TOTAL) -> None:
        self._most = self._left = most

    def of(self, value: Any, depth: int = 0) -> Any:
        """Return a result as plain values.

        Raises:
            FilterError: It is too large, nested too deep, or of a type that no variable has, such as a
                method.
        """
        if depth > _MAX_DEPTH:
            raise FilterError(f"a result nested deeper than {_MAX_DEPTH} levels")
        if isinstance(value, Iterator):
            value = list(islice(value, MAX_RESULT + 1))
        self.count(bounded(value))
        if isinstance(value, Mapping):
            return {key: self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set)):
            return [self.of(item, depth + 1) for item in value]
        if value is None or isinstance(value, (str, int, float, bytes, date)):
            return value
        raise FilterError(f"gives a {type(value).__name__}, which is not a value")

    def count(self, value: Any) -> None:
        """Count a value; items of lists and mappings are counted when they become plain values.

        Raises:
            FilterError: The total is over the limit.
        """
        self._left -= len(value) + 1 if isinstance(value, (str, bytes)) else 1
        if self._left < 0:
            raise FilterError(f"a result of more than {self._most} characters and items")
