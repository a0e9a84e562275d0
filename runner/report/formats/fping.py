"""`--format fping`: the output lines of fping(8), for scripts that parse them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results.results import Summary

__all__ = ["FpingReporter"]

_SILENT = frozenset({Status.UNREACHABLE, Status.ERROR, Status.CANCELLED, Status.SKIPPED})
"""Statuses shown as unreachable. A host that refuses a login or fails a command is alive."""


class FpingReporter:
    """Writes `NAME is alive` or `NAME is unreachable`; with `--count`, a line of statistics per host."""

    takes: ClassVar[frozenset[str]] = frozenset({"sort"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:  # noqa: ARG002 - the protocol's shape
        self._stream = stream

    def start(self, run: Run) -> None:
        """Write nothing: the first line is a host's."""

    def result(self, result: HostResult) -> None:
        """Write one host's line."""
        name = visible_line(result.host)
        if result.rtts_ms:
            print(f"{name} : {_statistics(result.rtts_ms)}", file=self._stream, flush=True)
        else:
            state = "unreachable" if result.status in _SILENT else "alive"
            print(f"{name} is {state}", file=self._stream, flush=True)

    def finish(self, summary: Summary) -> None:
        """Write nothing: fping prints its summary only on request, and to stderr."""


def _statistics(rtts_ms: tuple[float | None, ...]) -> str:
    answered = [rtt for rtt in rtts_ms if rtt is not None]
    sent, received = len(rtts_ms), len(answered)
    loss = (sent - received) * 100 // sent
    text = f"xmt/rcv/%loss = {sent}/{received}/{loss}%"
    if answered:
        times = (min(answered), sum(answered) / received, max(answered))
        text += f", min/avg/max = {'/'.join(_milliseconds(time) for time in times)}"
    return text


def _milliseconds(time: float) -> str:
    """Return a time with three digits, as fping prints it."""
    for limit, form in ((1.0, "{:.3f}"), (10.0, "{:.2f}"), (100.0, "{:.1f}")):
        if time < limit:
            return form.format(time)
    return f"{time:.0f}"
