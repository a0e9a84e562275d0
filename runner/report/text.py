"""`--format text`: a block for each host as it ends, or lines that each begin with their host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import Style, visible_line
from runner.report.words import body, details, ending, headline, said, summary_line

if TYPE_CHECKING:
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results import Summary

__all__ = ["TextReporter"]


class TextReporter:
    """Shows each host when it has its result."""

    takes: ClassVar[frozenset[str]] = frozenset({"prefix", "raw", "sort"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options
        self._style = Style(colour=options.colour)

    def start(self, run: Run) -> None:
        """Show nothing: there is no result yet."""

    def result(self, result: HostResult) -> None:
        """Show one host's block."""
        lines = self._prefixed(result) if self._options.prefix else self._block(result)
        if lines:
            print("\n".join(lines), file=self._stream, flush=True)

    def finish(self, summary: Summary) -> None:
        """Show the summary; lines that are read by programs have none."""
        if not self._options.prefix:
            print(summary_line(summary, self._style), file=self._stream)

    def _block(self, result: HostResult) -> list[str]:
        more = details(result) if self._options.verbose or not result.commands else ""
        return [headline(result.host, 1, result, self._style, more), *body(result, raw=self._options.raw)]

    def _prefixed(self, result: HostResult) -> list[str]:
        """Return what a host said, a line each; then, where it did not end ok, how it ended and why."""
        name = self._style.bold(visible_line(result.host))
        spoken = said(result, raw=self._options.raw)
        lines = [f"{name}: {mark.strip()}{' ' * bool(mark.strip())}{line}" for mark, line in spoken]
        if not result.ok:
            why = "" if result.error is None else f": {visible_line(result.error)}"
            lines.append(f"{name}: {ending(result, self._style)}{why}")
        return lines
