"""`ping --alive` and `ping --down`: bare names, one a line, for pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from typing import TextIO

    from runner.models import HostResult, Run
    from runner.results.results import Summary

__all__ = ["BareReporter"]


class BareReporter:
    """The names of the hosts that are up, or of those that are not, as each is known."""

    def __init__(self, stream: TextIO, *, alive: bool) -> None:
        self._stream = stream
        self._alive = alive

    def start(self, run: Run) -> None:
        """Write nothing: the first line is a host's."""

    def result(self, result: HostResult) -> None:
        """Write the name of a host that is meant."""
        if result.ok is self._alive:
            print(visible_line(result.host), file=self._stream, flush=True)

    def finish(self, summary: Summary) -> None:
        """Write nothing more."""
