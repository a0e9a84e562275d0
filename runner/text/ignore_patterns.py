"""`--ignore`: mask parts of outputs, such as uptimes, times and counters, before outputs are compared."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from runner.text.expressions import Expression, ExpressionLate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MASK", "found", "ignore_patterns", "mask"]

MASK = "…"
"""The text shown instead of a masked part."""

_LONGEST_LINE = 4096
"""Characters. A longer line is compared unmasked: it is not a line with a counter or a time."""

logger = logging.getLogger(__name__)


def ignore_patterns(value: object, setting: str = "--ignore") -> tuple[Expression, ...]:
    """Read one regular expression or a list of them.

    Args:
        value: The expression or expressions.
        setting: The flag they come from, for messages.

    Raises:
        ValueError: An expression is invalid, or matches an empty text.
    """
    items = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(item if isinstance(item, Expression) else _expression(item, setting) for item in items)


def mask(text: str, patterns: Sequence[Expression], host: str = "") -> str:
    """Return a text with every match masked, line by line.

    Args:
        text: The output of a host.
        patterns: The patterns to mask. One that takes too long is skipped for this text, with a warning.
        host: The host, for that warning.
    """
    for pattern in patterns:
        try:
            matcher = pattern.over()
            text = "\n".join(
                [line if len(line) > _LONGEST_LINE else matcher.sub(MASK, line) for line in text.split("\n")]
            )
        except ExpressionLate as exc:
            _warn(exc, host, "its output is compared without it")
    return text


def found(text: str, pattern: Expression, host: str = "") -> bool:
    """Return whether a line of a text has a match; lines too long to be masked are skipped.

    Args:
        text: The output of a host.
        pattern: The pattern to search for. If it takes too long, it counts as not found, with a warning.
        host: The host, for that warning.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    matcher = pattern.over()
    try:
        return any(len(line) <= _LONGEST_LINE and matcher.search(line) for line in lines)
    except ExpressionLate as exc:
        _warn(exc, host, "it counts as not found")
        return False


def _warn(late: ExpressionLate, host: str, consequence: str) -> None:
    place = f"{host}: " if host else ""
    logger.warning("%s%s; %s", place, late, consequence)


def _expression(value: object, setting: str) -> Expression:
    if not isinstance(value, (str, re.Pattern)):
        raise ValueError("expected a regular expression, or a list of them")  # noqa: TRY004 - readers of settings raise it
    try:
        expression = Expression(value, setting)
    except (re.error, RecursionError, OverflowError) as exc:
        raise ValueError(f"expected a regular expression: {exc}") from exc
    if expression.over().search("") is not None:
        raise ValueError("expected a regular expression that matches no empty text")
    return expression
