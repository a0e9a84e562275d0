"""`--format text`: a block for each host as it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import Style
from runner.report.words import body, details, headline, summary

if TYPE_CHECKING:
    from typing import TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results import Results

__all__ = ["TextReporter"]


class TextReporter:
    """Shows each host when it has its result."""

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options
        self._style = Style(colour=options.colour)

    def start(self, run: Run) -> None:
        """Show nothing: there is no result yet."""

    def result(self, result: HostResult) -> None:
        """Show one host's block."""
        more = details(result) if self._options.verbose or not result.commands else ""
        lines = [headline(result.host, 1, result, self._style, more), *body(result)]
        print("\n".join(lines), file=self._stream, flush=True)

    def finish(self, results: Results) -> None:
        """Show the summary."""
        print(summary(results, self._style), file=self._stream)
