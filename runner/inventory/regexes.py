"""Regular expressions that somebody else wrote, kept from running away.

Python's matcher cannot be stopped once it runs, so what it may cost is worked out before: expressions that
repeat what repeats are refused, texts are short, and a template has a budget for all its matches together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import factorial
from threading import local

from runner.text import compiled

__all__ = ["FilterError", "begin_budget", "found", "matches", "replace", "searches"]

_LONGEST_PATTERN = 200
_LONGEST_SUBJECT = 128
_MAX_REPEATS = 3
_MAX_CHOICES = 4
_MAX_STEPS = 2e8


class FilterError(Exception):
    """A filter that refuses its input. One line for people."""


class _Budget(local):
    """How many steps the template that runs in this thread has spent."""

    spent = 0.0


_BUDGET = _Budget()


def begin_budget() -> None:
    """Begin a template: nothing is spent yet."""
    _BUDGET.spent = 0.0


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A compiled expression, with what decides how long it may take.

    Attributes:
        compiled: The expression.
        repeats: How many `*`, `+` and `{}` it has.
        choices: How many `?` and `|` it has.
    """

    compiled: re.Pattern[str]
    repeats: int
    choices: int

    def spend(self, subject: str) -> re.Pattern[str]:
        """Pay for one match of `subject`, and return the expression.

        Raises:
            FilterError: The text is too long, or the template has matched too much.
        """
        if len(subject) > _LONGEST_SUBJECT:
            raise FilterError(f"a text of more than {_LONGEST_SUBJECT} characters for a regular expression")
        # Each repeat may end at any place behind the one before it, and each choice doubles that.
        places = (len(subject) + 1) ** (self.repeats + 1) / factorial(self.repeats + 1)
        _BUDGET.spent += places * 2**self.choices
        if _BUDGET.spent > _MAX_STEPS:
            raise FilterError("regular expressions that would take too long")
        return self.compiled


@lru_cache(maxsize=512)
def _bounded(pattern: str) -> _Bounded:
    """Compile an expression that has no repeat in a repeat, few of them, and few choices."""
    if len(pattern) > _LONGEST_PATTERN:
        raise FilterError(f"a regular expression of more than {_LONGEST_PATTERN} characters")
    if re.search(r"\)\s*[*+{]|\(\?P=|\\[1-9]", pattern):
        raise FilterError("a regular expression with a repeated group or a back-reference is not allowed")
    repeats = len(re.findall(r"[*+{]", pattern))
    choices = len(re.findall(r"\||(?<!\()\?", pattern))
    if repeats > _MAX_REPEATS or choices > _MAX_CHOICES:
        message = f"a regular expression with more than {_MAX_REPEATS} repeats or {_MAX_CHOICES} choices"
        raise FilterError(message)
    try:
        return _Bounded(compiled(pattern), repeats, choices)
    except (re.error, RecursionError, OverflowError) as exc:
        raise FilterError(f"not a regular expression: {exc}") from exc


def replace(value: object, pattern: str = "", replacement: str = "") -> str:
    """Replace every match, as Ansible's `regex_replace` does."""
    subject = str(value)
    expression = _bounded(str(pattern)).spend(subject)
    if len(str(replacement)) > _LONGEST_PATTERN:
        raise FilterError(f"a replacement of more than {_LONGEST_PATTERN} characters")
    try:
        return expression.sub(str(replacement), subject)
    except (re.error, IndexError) as exc:
        raise FilterError(f"a replacement that cannot be read: {exc}") from exc


def found(value: object, pattern: str) -> str | None:
    """Return the first match, as Ansible's `regex_search` does without groups."""
    subject = str(value)
    match = _bounded(str(pattern)).spend(subject).search(subject)
    return match[0] if match else None


def matches(value: object, pattern: str) -> bool:
    """Tell whether a text matches from its begin, as Ansible's test `match` does."""
    subject = str(value)
    return _bounded(str(pattern)).spend(subject).match(subject) is not None


def searches(value: object, pattern: str) -> bool:
    """Tell whether a text holds a match, as Ansible's test `search` does."""
    return found(value, pattern) is not None
