"""Ansible's filters and tests of regular expressions, whose time is limited."""

from __future__ import annotations

import re

from runner.inventory.bounds import FilterError
from runner.text.expressions import Expression, ExpressionLate, Matcher

__all__ = ["found", "matches", "replace", "searches"]


def _over(pattern: str, name: str) -> Matcher:
    try:
        return Expression(str(pattern), name).over()
    except (re.error, RecursionError, OverflowError) as exc:
        raise FilterError(f"not a regular expression: {exc}") from exc


def replace(value: object, pattern: str = "", replacement: str = "") -> str:
    """Replace every match, as Ansible's `regex_replace` does."""
    try:
        return _over(pattern, "regex_replace").sub(str(replacement), str(value))
    except (re.error, IndexError) as exc:
        raise FilterError(f"a replacement that cannot be read: {exc}") from exc
    except ExpressionLate as exc:
        raise FilterError(str(exc)) from exc


def found(value: object, pattern: str) -> str | None:
    """Return the first match, as Ansible's `regex_search` does without groups."""
    try:
        match = _over(pattern, "regex_search").search(str(value))
    except ExpressionLate as exc:
        raise FilterError(str(exc)) from exc
    return match[0] if match else None


def matches(value: object, pattern: str) -> bool:
    """Tell whether a text matches from its begin, as Ansible's test `match` does."""
    try:
        return _over(pattern, "match").match(str(value)) is not None
    except ExpressionLate as exc:
        raise FilterError(str(exc)) from exc


def searches(value: object, pattern: str) -> bool:
    """Tell whether a text holds a match, as Ansible's test `search` does."""
    return found(value, pattern) is not None
