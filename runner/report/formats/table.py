"""`--format table`: values of host tasks, or records parsed from command output, in aligned columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.report.formats.columns import aligned, cut
from runner.report.formats.json import value_as_text
from runner.report.formats.rows import QUERIES, RowTable
from runner.report.formats.whole import WholeReporter
from runner.report.terminal import Style, visible_line
from runner.report.words import milliseconds, summary_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import ClassVar

    from runner.models import HostResult
    from runner.results.results import Summary

__all__ = ["TableReporter"]

_WIDEST = 1000
"""Most columns of a cell: every row is as wide as the widest one, and devices decide what they print."""
_FIRST_LINE = 120


class TableReporter(WholeReporter):
    """One table at the end: a row for each record of each host, and a column for each key of the records.

    A host task's value is one record if it is a mapping, and several if it is a list of mappings. The records
    of a command are the rows that its output was parsed to. A host that has no records or is not ok gets a
    row with its status and the reason.
    """

    takes: ClassVar[frozenset[str]] = WholeReporter.takes | QUERIES

    def finish(self, summary: Summary) -> None:
        """Show the table, then the summary."""
        style = Style(colour=self._options.colour)
        table = RowTable(self._options.query)
        for result in summary.results:
            table.take(result, _first_line, _reached(result) if summary.run.task == "ping" else None)
        names, rows = table.finished()
        cells: Iterable[Sequence[str]] = ([_shown(row.get(name)) for name in names] for row in rows)
        for line in aligned([visible_line(name) for name in names], cells, self._options.width, style):
            self._stream.write(line + "\n")
        self._stream.write(summary_line(summary, style) + "\n")


def _reached(result: HostResult) -> dict[str, str]:
    """Return a host's address and round-trip time."""
    if result.rtt_ms is None:
        return {}
    return {"address": visible_line(result.address or ""), "rtt ms": milliseconds(result.rtt_ms)}


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
