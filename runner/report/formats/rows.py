"""The rows of all hosts as one table, for the formats that show it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.report.terminal import visible_line
from runner.results.query import HOST, Selection
from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.models import CommandResult, HostResult
    from runner.results.query import Query

__all__ = ["QUERIES", "RowTable", "records_of", "unparsed", "warn"]

QUERIES = frozenset({"select", "where", "group_by"})
"""The settings of a `Query`, for the `takes` of a reporter."""

_ONLY = "value"
"""Column of values without a name."""
_HOSTS = "hosts"
_STATUS, _WHY = "status", "why"

logger = logging.getLogger(__name__)


class _Lacking(NamedTuple):
    """A host that is not ok or lacks rows: its name, further columns, its status and the reason."""

    host: str
    more: Mapping[str, Any]
    status: str
    why: str


class RowTable:
    """One table: the rows of each host, and a row with status and reason of each host that lacks rows.

    Args:
        query: Which rows are shown.
    """

    def __init__(self, query: Query) -> None:
        self._selection = Selection(query)
        self._grouped = query.group_by is not None
        self._entries: list[Mapping[str, Any] | _Lacking] = []

    def take(
        self,
        result: HostResult,
        otherwise: Callable[[HostResult], str] = lambda _result: "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Add the rows of a host.

        Args:
            result: The host's result.
            otherwise: Returns what to show for a host that is ok and whose output was not parsed.
            more: Further columns of a host that lacks rows.
        """
        records = records_of(result)
        self._entries += self._selection.rows(result.host, records)
        why = _why(result, otherwise, parsed=bool(records))
        if why is not None:
            self._entries.append(_Lacking(result.host, more or {}, str(result.status), why))

    def finished(self) -> tuple[Sequence[str], list[Mapping[str, Any]]]:
        """Return the names of the columns, and the rows, and log the warnings about the selection."""
        warn(self._selection)
        entries = self._entries
        if self._grouped:
            groups = ({**group, _HOSTS: fold(group[_HOSTS])} for group in self._selection.groups)
            entries = [*groups, *entries]
        names = dict.fromkeys(name for row in entries if not isinstance(row, _Lacking) for name in row)
        status, why = (f"{HOST}_{name}" if name in names else name for name in (_STATUS, _WHY))
        host = _HOSTS if _HOSTS in names and self._grouped else HOST
        rows = [
            {host: row.host, **row.more, status: row.status, why: row.why}
            if isinstance(row, _Lacking)
            else row
            for row in entries
        ]
        found = dict.fromkeys([*([host] if host == HOST else names), *(name for row in rows for name in row)])
        last = [name for name in (status, why) if found.pop(name, "") is None]
        return [*found, *last], rows


def warn(selection: Selection) -> None:
    """Log the warnings about a selection, after its last row."""
    for line in selection.warnings():
        logger.warning("%s", line)


def _why(result: HostResult, otherwise: Callable[[HostResult], str], *, parsed: bool) -> str | None:
    """Return why a host lacks rows; None if it does not."""
    if not result.ok:
        return result.error or ""
    missing = [text for text in map(unparsed, result.commands) if text is not None]
    if missing and result.value is None:
        return "; ".join(missing)
    if parsed or any(item.parse is not None for item in result.commands):
        return None
    return otherwise(result)


def records_of(result: HostResult) -> list[Mapping[Any, Any]]:
    """Return the rows of a host: the value of a host task, or what its outputs were parsed to."""
    value = result.value
    if value is None:
        return list(result.rows)
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
        return list(value)
    return [{_ONLY: value}]


def unparsed(command: CommandResult) -> str | None:
    """Return in one line why the output of a command has no rows; None if it has, or was not parsed."""
    if command.parse == "no-template":
        return visible_line(f"no template for {command.command!r}")
    if command.parse == "no-match":
        return visible_line(f"the template for {command.command!r} does not fit: {command.parse_error}")
    return None
