"""The state of a run for progress displays, independent of how it is shown."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.models import HostResult

__all__ = ["RunState", "View"]

_WINDOW_S = 15.0
"""Seconds over which the rate is measured: long enough to be steady, short enough to be current."""
_SLOW_S = 3.0
"""Seconds after which a host at work is listed as slow."""
_SLOWEST = 4
_FAILURES = 3
_REASON = 300
"""Most characters of a reason that are kept: no terminal has longer lines."""


@dataclass(frozen=True, slots=True)
class View:
    """A run at one moment.

    Attributes:
        total: The number of hosts.
        counts: The number of hosts that ended with each status.
        elapsed_s: Seconds since the run began.
        doing: What `running` lists: hosts that are `running`, or hosts the run is `waiting for`.
        running: The hosts that are at work or waited for.
        slowest: Those of them that have taken long so far, with their seconds, the slowest first.
        rate: Hosts that ended per second in the last seconds; None if it is not known yet.
        left_s: Seconds until all hosts have ended, at that rate; None if the rate is not known.
        failures: The latest hosts that did not end ok, each with its error.
    """

    total: int
    counts: Mapping[Status, int]
    elapsed_s: float
    doing: str
    running: Sequence[str]
    slowest: Sequence[tuple[str, float]]
    rate: float | None
    left_s: float | None
    failures: Sequence[str]

    @property
    def done(self) -> int:
        """The number of hosts that have a result."""
        return sum(self.counts.values())


class RunState:
    """Counts results and computes the state of the run.

    Args:
        total: The number of hosts.
        running: Returns the hosts that are at work or waited for.
        doing: What `running` returns: hosts that are `running`, or hosts the run is `waiting for`.
        clock: Returns the time, in seconds.
    """

    def __init__(
        self,
        total: int,
        running: Callable[[], Sequence[str]],
        *,
        doing: str = "running",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._running = running
        self._doing = doing
        self._clock = clock
        self._began = clock()
        self._counts: dict[Status, int] = dict.fromkeys(Status, 0)
        self._failures: deque[str] = deque(maxlen=_FAILURES)
        self._since: dict[str, float] = {}
        self._marks: deque[tuple[float, int]] = deque([(self._began, 0)])

    def add(self, result: HostResult) -> None:
        """Count a host's result."""
        self._counts[result.status] += 1
        if result.status not in (Status.OK, Status.SKIPPED):
            why = result.error or result.reason or ""
            self._failures.append(visible_line(f"{result.host}: {result.status}  {why[:_REASON]}"))

    def view(self) -> View:
        """Return the present state of the run."""
        now = self._clock()
        running = self._running()
        self._since = {name: self._since.get(name, now) for name in running}
        done = sum(self._counts.values())
        rate = self._rate(now, done)
        return View(
            self._total,
            {status: count for status, count in self._counts.items() if count},
            now - self._began,
            self._doing,
            running,
            self._slowest(now),
            rate,
            (self._total - done) / rate if rate else None,
            tuple(self._failures),
        )

    def _rate(self, now: float, done: int) -> float | None:
        self._marks.append((now, done))
        while now - self._marks[0][0] > _WINDOW_S:
            self._marks.popleft()
        begun, before = self._marks[0]
        return (done - before) / (now - begun) if now > begun and done > before else None

    def _slowest(self, now: float) -> list[tuple[str, float]]:
        slow = [(name, now - since) for name, since in self._since.items() if now - since >= _SLOW_S]
        return sorted(slow, key=lambda item: -item[1])[:_SLOWEST]
