"""The three outcomes of parsing an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["MISFIT", "NO_TEMPLATE", "ROWS", "Parsed", "first_line"]

ROWS = "rows"
NO_TEMPLATE = "no-template"
MISFIT = "no-match"

_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Parsed:
    """The outcome of parsing an output.

    Attributes:
        parse: `ROWS`, `NO_TEMPLATE` or `MISFIT`.
        rows: The rows.
        error: For `MISFIT`, the line of the output at which the template stopped.
    """

    parse: str
    rows: list[dict[str, Any]] | None = None
    error: str | None = None

    @classmethod
    def misfit(cls, line: str) -> Parsed:
        """Return the outcome of a template that stopped at a line."""
        return cls(MISFIT, error=line.rstrip("\r\n")[:_LONGEST])


def first_line(text: str) -> str:
    """Return the first line that is not blank."""
    return next((line for line in text.splitlines() if line.strip()), "")
