"""`--format folded`: equal answers once, under folded names; the odd one out last, next to the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Status
from runner.names import fold, natural
from runner.report.terminal import Style, visible_line
from runner.report.words import body, details, headline, status_word, summary

if TYPE_CHECKING:
    from collections.abc import Sequence
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
        counted = [result for result in results.values() if result.rtts_ms]
        for result in sorted(counted, key=lambda result: natural(result.host)):
            print(self._statistics(result), file=self._stream)
        if counted:
            return
        up = [result for result in results.values() if result.ok]
        if up:
            name = self._style.bold(visible_line(fold(result.host for result in up)))
            number = f" ({len(up)})" if len(up) > 1 else ""
            print(f"{name}{number}: {status_word(Status.OK, self._style)}{_rtt(up)}", file=self._stream)
            if self._options.verbose:
                for result in up:
                    print(f"  {visible_line(result.host)}{details(result)}", file=self._stream)
        for item in results.folded():
            if not item.result.ok:
                self._fold(item)

    def _statistics(self, result: HostResult) -> str:
        """Return the line of a host that was probed several times."""
        answered = [rtt for rtt in result.rtts_ms if rtt is not None]
        loss = 100 - 100 * len(answered) / len(result.rtts_ms)
        line = f"{self._style.bold(visible_line(result.host))}: {status_word(result.status, self._style)}"
        line += f"  {len(answered)}/{len(result.rtts_ms)} answered, {loss:.3g}% loss"
        if not answered:
            return f"{line}, {visible_line(result.error or '')}"
        times = (min(answered), sum(answered) / len(answered), max(answered))
        return f"{line}, rtt min/avg/max {'/'.join(f'{time:.3g}' for time in times)} ms"


def _rtt(results: Sequence[HostResult]) -> str:
    """Return the round-trip time, or the range of them."""
    times = sorted({f"{result.rtt_ms:.3g}" for result in results if result.rtt_ms is not None}, key=float)
    if not times:
        return ""
    return f"  rtt {times[0]} ms" if len(times) == 1 else f"  rtt {times[0]}-{times[-1]} ms"
