"""Limits that stop probing early: the total time is over, or too many hosts failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import STOPPED
from runner.models import HostResult, Status
from runner.results.limits import Limits

if TYPE_CHECKING:
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
    """

    def __init__(self, options: ReachOptions, total: int, now: float) -> None:
        self._total_s = options.total_s
        self._limits = Limits(total, options.max_fail, 0)
        self._verdict: tuple[str, str] | None = None
        self.end = None if options.total_s is None else now + options.total_s
        """The monotonic time at which probing stops; None means never."""

    def take(self, result: HostResult) -> None:
        """Count a result."""
        verdict = self._limits.take(result)
        if verdict is not None and self._verdict is None:
            self._verdict = verdict.reason, "too many hosts had not ended ok (--max-fail)"

    def are_reached(self, now: float) -> bool:
        """Return whether a limit is reached, so that probing has to stop."""
        if self._verdict is None and self.end is not None and now >= self.end:
            self._verdict = RUN_DEADLINE, f"the run's {self._total_s or 0:g} s were over (--timeout-total)"
        return self._verdict is not None

    def stopped(self, host: Host) -> HostResult:
        """Return the result of a host that had not answered when probing stopped."""
        reason, why = self._verdict or ("stopped", STOPPED)
        return HostResult(host.name, Status.CANCELLED, reason=reason, error=f"no answer so far: {why}")
