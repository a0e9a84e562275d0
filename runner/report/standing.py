"""How far a run has come: what progress shows, without saying how."""

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

__all__ = ["Standing", "View"]

_WINDOW_S = 15.0
"""Seconds over which the rate is taken: long enough to be steady, short enough to be of now."""
_SLOW_S = 3.0
"""Seconds after which a host at work is worth a word."""
_SLOWEST = 4
_FAILURES = 3
_REASON = 300
"""Characters of a reason; no terminal's line is longer."""


@dataclass(frozen=True, slots=True)
class View:
    """A run at one moment.

    Attributes:
        total: How many hosts there are.
        counts: How many of them ended with each status.
        elapsed_s: Seconds since the run began.
        doing: What the hosts that follow do: they are `running`, or it is `waiting for` them.
        running: These hosts.
        slowest: Those of them of which that holds for long, with their seconds, the slowest first.
        rate: Hosts that end a second, lately; None while that cannot be told.
        left_s: Seconds until all have ended, at that rate.
        failures: The latest hosts that did not end ok, each with why.
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
        """How many hosts have their result."""
        return sum(self.counts.values())


class Standing:
    """Takes in results, and tells how far the run has come.

    Args:
        total: How many hosts there are.
        running: Tells which of them are at work, or waited for.
        doing: Which of these two it is: `running` or `waiting for`.
        clock: Tells the time, in seconds.
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
        """Return how the run stands now."""
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
