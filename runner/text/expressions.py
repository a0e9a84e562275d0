r"""Safe regular expressions: a match over text from outside ends in bounded time, whatever was written.

Python's own matcher backtracks without an end and holds the interpreter lock. Patterns of operators and of
inventories are therefore matched by the package `regex`, which reads the same syntax, gives up after a time
and lets other threads run. Patterns of our own are written so that they take linear time.
"""

from __future__ import annotations

import re
import time
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import regex

__all__ = ["LIMIT_S", "Expression", "ExpressionLate", "Matcher", "compiled"]

_Value = TypeVar("_Value")

LIMIT_S = 1.0
"""Seconds of computing time that one expression may take over one text."""

_LEAST_S = 0.05
_FLAGS = {re.ASCII: "a", re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}
# `regex` reads {e<=1} as approximate matching; in Python's syntax such a brace is a plain character.
_PLAIN_BRACE = re.compile(r"(\\.)|\{(?!\d*+(?:,\d*+)?\})", re.DOTALL)


class ExpressionLate(Exception):
    """An expression took too long over a text. One line for people: which one, and how to mend it."""


def compiled(expression: str) -> re.Pattern[str]:
    """Check a regular expression that an operator or an inventory wrote, by Python's own rules.

    Raises:
        re.error: It cannot be read.
        RecursionError: It is nested too deep.
        OverflowError: It repeats something too often.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(expression)


@lru_cache(maxsize=512)
def _bounded(source: str) -> regex.Pattern[str]:
    import regex  # noqa: PLC0415 - most runs match nothing that others wrote

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return regex.compile(_PLAIN_BRACE.sub(lambda found: found[1] or r"\{", source))


class Expression:
    """A regular expression in Python's syntax, with a limit on the time that it takes over a text.

    The limit halves each time that it was exceeded, down to a twentieth of a second: a hundred hosts that
    print text which makes an expression slow cost seconds together; usual text takes microseconds.

    Args:
        source: The expression, or a compiled one of Python's.
        setting: Where it came from, for messages: a flag, or the key of an inventory.

    Raises:
        re.error: It cannot be read.
        RecursionError: It is nested too deep.
        OverflowError: It repeats something too often.

    Attributes:
        pattern: The expression as it was written.
    """

    __slots__ = ("_limit_s", "_setting", "pattern")

    def __init__(self, source: str | re.Pattern[str], setting: str) -> None:
        if isinstance(source, re.Pattern):
            flags = "".join(letter for flag, letter in _FLAGS.items() if source.flags & flag)
            source = f"(?{flags}){source.pattern}" if flags else source.pattern
        compiled(source)
        self.pattern = source
        self._setting = setting
        self._limit_s = LIMIT_S

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"Expression({self.pattern!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return Expression, (self.pattern, self._setting)

    def over(self) -> Matcher:
        """Return what matches this expression against one text, or its parts, within one time limit."""
        return Matcher(self, self._limit_s)

    def late(self) -> ExpressionLate:
        """Return the error of a text that took too long; the next one has less time."""
        took, self._limit_s = self._limit_s, max(self._limit_s / 2, _LEAST_S)
        return ExpressionLate(
            f"{self._setting} {self.pattern!r} took longer than {took:g} s over one text; "
            "write it with fewer repeats: [^ ]* or \\d+ for .*, and no repeat inside of a repeat"
        )


class Matcher:
    """One expression at work on one text: all its matches together have one time limit.

    Args:
        expression: The expression.
        limit_s: Seconds of computing time.
    """

    __slots__ = ("_end", "_expression", "_pattern")

    def __init__(self, expression: Expression, limit_s: float) -> None:
        self._expression = expression
        self._pattern = _bounded(expression.pattern)
        self._end = time.thread_time() + limit_s

    def search(self, text: str) -> regex.Match[str] | None:
        """Return the first match, or None.

        Raises:
            ExpressionLate: It took too long.
        """
        return self._within(lambda left_s: self._pattern.search(text, concurrent=True, timeout=left_s))

    def match(self, text: str) -> regex.Match[str] | None:
        """Return the match at the beginning of a text, or None.

        Raises:
            ExpressionLate: It took too long.
        """
        return self._within(lambda left_s: self._pattern.match(text, concurrent=True, timeout=left_s))

    def sub(self, replacement: str | Callable[[regex.Match[str]], str], text: str) -> str:
        """Return a text with every match replaced.

        Raises:
            ExpressionLate: It took too long.
            re.error: The replacement cannot be read.
            IndexError: The replacement names a group that the expression does not have.
        """
        return self._within(
            lambda left_s: self._pattern.sub(replacement, text, concurrent=True, timeout=left_s)
        )

    def _within(self, work: Callable[[float], _Value]) -> _Value:
        left_s = self._end - time.thread_time()
        try:
            if left_s > 0:
                return work(left_s)
        except TimeoutError:
            pass
        raise self._expression.late() from None
