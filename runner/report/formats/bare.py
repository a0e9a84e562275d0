"""`ping --alive` and `ping --down`: only host names, one per line, for pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from typing import TextIO

    from runner.models import HostResult, Run
    from runner.results.results import Summary

__all__ = ["BareReporter"]


class BareReporter:
    """Writes the names of the hosts that are up, or of those that are not, as results come."""

    def __init__(self, stream: TextIO, *, alive: bool) -> None:
        self._stream = stream
        self._alive = alive

    def start(self, run: Run) -> None:
        """Write nothing: the first line is a host's."""

    def result(self, result: HostResult) -> None:
        """Write the host's name if its state is the wanted one."""
        if result.ok is self._alive:
            print(visible_line(result.host), file=self._stream, flush=True)

    def finish(self, summary: Summary) -> None:
        """Write nothing more."""
