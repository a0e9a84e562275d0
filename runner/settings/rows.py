"""The settings about rows: how outputs are parsed, and which rows and columns are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.results.query import Query, compiled

if TYPE_CHECKING:
    from runner.settings import Settings

__all__ = ["asked", "columns", "condition", "how_to_parse", "query", "shape"]


def columns(value: Any) -> tuple[str, ...]:
    """Read names of columns: a list, or one text with commas."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    if any(not isinstance(item, str) for item in items):
        raise ValueError("expected names of fields: interface,status")
    names = tuple(name.strip() for item in items for name in item.split(",") if name.strip())
    if not names:
        raise ValueError("expected names of fields: interface,status")
    return names


def condition(value: Any) -> str:
    """Read a JMESPath expression."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a JMESPath expression, such as \"status == 'down'\"")
    compiled(value)
    return value


def query(settings: Settings) -> Query:
    """Return which rows and columns are shown.

    Raises:
        UsageError: The settings contradict each other.
    """
    if settings.select and settings.group_by is not None:
        raise UsageError("--select does not go with --group-by, which shows one column and its counts")
    return Query(settings.select, settings.where, settings.group_by)


def asked(settings: Settings) -> bool:
    """Return whether rows were asked for in this run, and not only by a format that can show them."""
    given = settings.given
    return bool(query(settings)) or "templates" in given or ("parse" in given and settings.parse != "none")


def shape(settings: Settings) -> str:
    """Return the name of the format: the one that was named, else `table` if rows are asked for."""
    return "table" if asked(settings) and "format" not in settings.origins else settings.format


def how_to_parse(settings: Settings) -> str:
    """Return how outputs are parsed: as `parse` says, else `auto` if rows are shown."""
    if "parse" in settings.origins:
        return settings.parse
    return "auto" if asked(settings) or settings.format == "table" else "none"
