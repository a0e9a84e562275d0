"""`--ignore`: what of an output is left out before outputs are compared: uptimes, times, counters."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from runner.text.expressions import Expression, ExpressionLate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MASK", "found", "mask", "masks"]

MASK = "…"
"""What is shown in the place of what was left out."""

_LONGEST_LINE = 4096
"""Characters. A longer line is compared as it is: no counter or time is that long."""

logger = logging.getLogger(__name__)


def masks(value: object, setting: str = "--ignore") -> tuple[Expression, ...]:
    """Read one regular expression or a list of them.

    Args:
        value: The expression or expressions.
        setting: The flag that they were given by, for messages.

    Raises:
        ValueError: One cannot be read, or matches an empty text.
    """
    items = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(item if isinstance(item, Expression) else _expression(item, setting) for item in items)


def mask(text: str, patterns: Sequence[Expression], host: str = "") -> str:
    """Return a text with every match in a line of it left out.

    Args:
        text: What a host printed.
        patterns: What is left out. One that takes too long is left off for this text, with a warning.
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
    """Tell whether a line of a text has a match; one that is too long to be masked has none.

    Args:
        text: What a host printed.
        pattern: What is looked for. If it takes too long, it is not found, with a warning.
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
        raise ValueError("expected a regular expression, or a list of them")  # noqa: TRY004 - what readers raise
    try:
        expression = Expression(value, setting)
    except (re.error, RecursionError, OverflowError) as exc:
        raise ValueError(f"expected a regular expression: {exc}") from exc
    if expression.over().search("") is not None:
        raise ValueError("expected a regular expression that matches no empty text")
    return expression
