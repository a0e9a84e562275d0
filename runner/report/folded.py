"""`--format folded`: equal answers once, under folded names; the odd one out last, next to the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Status
from runner.names import fold
from runner.report.terminal import Style
from runner.report.words import body, details, headline, status_word, summary

if TYPE_CHECKING:
    from typing import TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results import Fold, Results

__all__ = ["FoldedReporter"]


class FoldedReporter:
    """Shows all at the end, each answer once."""

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options
        self._style = Style(colour=options.colour)

    def start(self, run: Run) -> None:
        """Show nothing: what is the same is known at the end."""

    def result(self, result: HostResult) -> None:
        """Show nothing yet."""

    def finish(self, results: Results) -> None:
        """Show every answer once, then the summary."""
        if results.run.task == "ping":
            self._pinged(results)
        else:
            for item in results.folded():
                self._fold(item)
        print(summary(results, self._style), file=self._stream)

    def _fold(self, item: Fold) -> None:
        more = details(item.result) if self._options.verbose and len(item.hosts) == 1 else ""
        print(headline(item.name, len(item.hosts), item.result, self._style, more), file=self._stream)
        for line in body(item.result):
            print(line, file=self._stream)

    def _pinged(self, results: Results) -> None:
        """Show who is up, with the range of their round trips; then the others, by reason."""
        up = [result for result in results.values() if result.ok]
        if up:
            times = [result.rtt_ms for result in up if result.rtt_ms is not None]
            rtt = f"  rtt {min(times):.3g}-{max(times):.3g} ms" if times else ""
            name = fold(result.host for result in up)
            word = status_word(Status.OK, self._style)
            print(f"{self._style.bold(name)} ({len(up)}): {word}{rtt}", file=self._stream)
            if self._options.verbose:
                for result in up:
                    print(f"  {result.host}{details(result)}", file=self._stream)
        for item in results.folded():
            if not item.result.ok:
                self._fold(item)
