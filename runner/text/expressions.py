r"""Safe regular expressions: a match against untrusted text ends in bounded time, whatever the pattern.

Python's own matcher may backtrack without end, and holds the interpreter lock. Patterns from operators and
inventories are therefore matched by the package `regex`, which has the same syntax, stops after a time limit
and lets other threads run. Our own patterns are written to take linear time.
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
"""Seconds of CPU time that one expression may take for one text."""

_LEAST_S = 0.05
_FLAGS = {re.ASCII: "a", re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}
# `regex` reads {e<=1} as approximate matching; in Python's syntax such a brace is a plain character.
_PLAIN_BRACE = re.compile(r"(\\.)|\{(?!\d*+(?:,\d*+)?\})", re.DOTALL)


class ExpressionLate(Exception):
    """An expression took too long for a text. Its text is one line: which expression, and how to fix it."""


def compiled(expression: str) -> re.Pattern[str]:
    """Compile a regular expression from an operator or an inventory, by Python's own rules.

    Raises:
        re.error: It is invalid.
        RecursionError: It is nested too deep.
        OverflowError: A repeat count is too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(expression)


@lru_cache(maxsize=512)
def _bounded(source: str) -> regex.Pattern[str]:
    import regex  # noqa: PLC0415 - most runs match no foreign pattern

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return regex.compile(_PLAIN_BRACE.sub(lambda found: found[1] or r"\{", source))


class Expression:
    """A regular expression in Python's syntax, with a time limit for each text.

    The limit halves each time it is exceeded, down to a twentieth of a second, so that a hundred hosts whose
    text makes an expression slow take seconds in all; usual text takes microseconds.

    Args:
        source: The expression, as text or compiled by `re`.
        setting: Its source, for messages: a flag, or a key of an inventory.

    Raises:
        re.error: It is invalid.
        RecursionError: It is nested too deep.
        OverflowError: A repeat count is too large.

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
        """Return a matcher for one text, or its parts, with one time limit for all matches."""
        return Matcher(self, self._limit_s)

    def late(self) -> ExpressionLate:
        """Return the error for a text that took too long; halve the limit for the next one."""
        took, self._limit_s = self._limit_s, max(self._limit_s / 2, _LEAST_S)
        return ExpressionLate(
            f"{self._setting} {self.pattern!r} took longer than {took:g} s for one text; "
            "write it with fewer repeats: [^ ]* or \\d+ for .*, and no repeat inside of a repeat"
        )


class Matcher:
    """Matches one expression against one text, with one time limit for all matches together.

    Args:
        expression: The expression.
        limit_s: Seconds of CPU time.
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
            re.error: The replacement is invalid.
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
