"""`--format table`: values of host tasks, or records parsed from command output, in aligned columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.report.formats.columns import aligned, cut
from runner.report.formats.json import value_as_text
from runner.report.formats.parsed import Parser
from runner.report.formats.whole import WholeReporter
from runner.report.terminal import Style, visible_line
from runner.report.words import milliseconds, summary_line
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.models import HostResult
    from runner.results.results import Summary

__all__ = ["TableReporter"]

_ONLY = "value"
"""Heading of values without a name."""
_WIDEST = 1000
"""Most columns of a cell: every row is as wide as the widest one, and devices decide what they print."""
_FIRST_LINE = 120


class TableReporter(WholeReporter):
    """One table at the end: a row for each record of each host, and a column for each key of the records.

    A host task's value is one record if it is a mapping, and several if it is a list of mappings. Output is
    parsed to records if NTC Templates has a template for the command and the host's platform. A host that has
    no records or is not ok gets a row with its status and the reason.
    """

    def finish(self, summary: Summary) -> None:
        """Show the table, then the summary."""
        style = Style(colour=self._options.colour)
        parser = Parser(self._options.hosts)
        rows: list[Mapping[str, str]] = []
        for result in summary.results:
            reached = _reached(result) if summary.run.task == "ping" else {}
            rows += _rows(result, _records(result.value) or parser.records(result), reached)
        names = list(dict.fromkeys(name for row in rows for name in row))
        # The columns for status and reason come last; they exist only if a host has no records or is not ok.
        for last in ("status", "why"):
            if last in names:
                names.remove(last)
                names.append(last)
        cells: Iterable[Sequence[str]] = ([row.get(name, "") for name in names] for row in rows)
        for line in aligned(names, cells, self._options.width, style):
            self._stream.write(line + "\n")
        self._stream.write(summary_line(summary, style) + "\n")


def _records(value: Any) -> list[Mapping[Any, Any]]:
    """Return the value of a host task as records; an empty list if it returned None."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
        return list(value)
    return [{_ONLY: value}]


def _rows(
    result: HostResult, records: Iterable[Mapping[Any, Any]], reached: Mapping[str, str]
) -> list[Mapping[str, str]]:
    name = {"host": visible_line(result.host)}
    rows: list[Mapping[str, str]] = [
        name | {_named(key): _shown(value) for key, value in record.items()} for record in records
    ]
    if rows and result.ok:
        return rows
    why = _first_line(result) if result.ok else _shown(result.error)
    return [*rows, {**name, **reached, "status": str(result.status), "why": why}]


def _reached(result: HostResult) -> dict[str, str]:
    """Return a host's address and round-trip time."""
    if result.rtt_ms is None:
        return {}
    return {"address": visible_line(result.address or ""), "rtt ms": milliseconds(result.rtt_ms)}


def _named(key: Any) -> str:
    """Return the heading for a key; add `_` if it has the name of a column that we add."""
    name = visible_line(value_text(key))
    return f"{name}_" if name in ("host", "status", "why") else name


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return cut(", ".join(_shown(item) for item in value[:_WIDEST]), _WIDEST)
    return cut(visible_line(value_as_text(value)[:_WIDEST]), _WIDEST)


def _first_line(result: HostResult) -> str:
    said = next((item.strip() for item in (result.stdout, result.stderr) if item.strip()), "")
    line, *others = said.split("\n", 1)
    more = " …" if others else ""
    return cut(visible_line(line[:_WIDEST].strip()), _FIRST_LINE) + more
