"""`--format csv`: a row for each command of each host, as hosts end; safe to open in a spreadsheet.

If outputs were parsed, or rows are chosen, there is a row for each row of each host instead, at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.formats.json import value_as_text
from runner.report.formats.rows import QUERIES, RowTable
from runner.report.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import ClassVar, TextIO

    from runner.models import CommandResult, HostResult, Run
    from runner.report import ReportOptions
    from runner.results.results import Summary

__all__ = ["CsvReporter", "cell"]

COLUMNS = (
    *("host", "status", "address", "port", "rtt_ms", "attempts", "duration_s", "phase", "reason", "error"),
    *("command", "exit_code", "stdout", "stderr", "value"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Characters that begin a formula in a spreadsheet (OWASP, "CSV Injection"), including full-width forms."""


def cell(value: object) -> str:
    """Return a value as a cell; `'` is put before text that a spreadsheet would take for a formula."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = visible(value if isinstance(value, str) else value_as_text(value))
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int) else text


class CsvReporter:
    """Writes rows under a heading, every cell in quotes; lines end with a line feed only."""

    takes: ClassVar[frozenset[str]] = QUERIES | {"sort"}

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._query = options.query
        self.whole = options.rows or bool(options.query)

    def start(self, run: Run) -> None:  # noqa: ARG002 - the protocol's shape
        """Write the heading, if it is known by now."""
        if not self.whole:
            self._write(COLUMNS)

    def result(self, result: HostResult) -> None:
        """Write a host's rows; a host without commands gets one row."""
        host = (
            *(result.host, str(result.status), result.address, result.port, result.rtt_ms, result.attempts),
            *(result.duration_s, None if result.phase is None else str(result.phase)),
            *(result.reason, result.error),
        )
        for command in result.commands or (None,):
            self._write((*host, *_said(command), result.value))
        self._stream.flush()

    def finish(self, summary: Summary) -> None:
        """Write the rows that outputs were parsed to; CSV has no place for a summary."""
        if not self.whole:
            return
        table = RowTable(self._query)
        for result in summary.results:
            table.take(result)
        names, rows = table.finished()
        self._write(names)
        for row in rows:
            self._write(row.get(name) for name in names)
        self._stream.flush()

    def _write(self, row: Iterable[object]) -> None:
        """Write a row cell by cell: unlike `csv.writer`, this makes no second copy of a long output."""
        separator = '"'
        for value in row:
            self._stream.write(separator)
            self._stream.write(cell(value).replace('"', '""'))
            separator = '","'
        self._stream.write('"\n')


def _said(command: CommandResult | None) -> tuple[object, ...]:
    if command is None:
        return None, None, None, None
    return command.command, command.exit_code, command.stdout, command.stderr
