"""Limits that stop probing early: the total time is over, or too many hosts failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import STOPPED
from runner.models import HostResult, Status
from runner.results.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.models import Host
    from runner.reach.options import ReachOptions

__all__ = ["RUN_DEADLINE", "Bounds"]

RUN_DEADLINE = "run-deadline"
"""Reason code of a host whose probe was stopped because the time for all hosts was over."""


class Bounds:
    """The limits of one call of `probe`.

    Args:
        options: The options that hold the limits.
        total: The number of hosts.
        now: The monotonic time at which probing starts, in seconds.
        stopped: Tells whether the run has been stopped; asked several times per second.
    """

    def __init__(
        self, options: ReachOptions, total: int, now: float, stopped: Callable[[], bool] | None = None
    ) -> None:
        self._total_s = options.total_s
        self._limits = Limits(total, options.max_fail, 0)
        self._verdict: tuple[str, str] | None = None
        self._is_stopped = stopped
        self.longest_wait_s = 60.0 if stopped is None else 0.2
        """The longest time in seconds between two calls of `are_reached`; below the limit of selectors."""
        self.end = None if options.total_s is None else now + options.total_s
        """The monotonic time at which probing stops; None means never."""

    def take(self, result: HostResult) -> None:
        """Count a result."""
        verdict = self._limits.take(result)
        if verdict is not None and self._verdict is None:
            self._verdict = verdict.reason, verdict.text.removeprefix("not started: ")

    def are_reached(self, now: float) -> bool:
        """Return whether a limit is reached, so that probing has to stop."""
        if self._verdict is None and self.end is not None and now >= self.end:
            self._verdict = RUN_DEADLINE, f"the run's {self._total_s or 0:g} s were over (--timeout-total)"
        if self._verdict is None and self._is_stopped is not None and self._is_stopped():
            self._verdict = "stopped", STOPPED
        return self._verdict is not None

    def stopped(self, host: Host) -> HostResult:
        """Return the result of a host that had not answered when probing stopped."""
        reason, why = self._verdict or ("stopped", STOPPED)
        return HostResult(host.name, Status.CANCELLED, reason=reason, error=f"no answer so far: {why}")
