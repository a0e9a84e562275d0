"""Stragglers: hosts that take much longer than the others, and must not block them.

A host that hangs holds a worker until its deadline. Without extra workers, a few such hosts would hold all
workers, and the healthy hosts behind them could not start.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

__all__ = ["Stragglers"]

_SAMPLES = 100
_FEWEST = 10
_USUAL = 0.9
"""The share of hosts that finish within the usual time."""
_FACTOR = 1.5
_LEAST_S = 0.1


class Stragglers:
    """Tracks which running hosts are overdue: those that take 1.5 times as long as nine of ten others."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._took: deque[float] = deque(maxlen=_SAMPLES)
        self._usual_s: float | None = None
        self._seen = 0

    def began(self, name: str, now: float) -> None:
        """Note that a host has started; `now` is on the monotonic clock."""
        self._began[name] = now

    def ended(self, name: str, now: float, *, usual: bool) -> float:
        """Note that a host has its result; return when it started.

        Args:
            name: The host.
            now: The time, on the monotonic clock.
            usual: Whether to learn from its duration: False if a deadline or a stop ended it.
        """
        began = self._began.pop(name, now)
        if usual:
            self._took.append(now - began)
            self._seen += 1
            if self._seen % _FEWEST == 0:
                ranked = sorted(self._took)
                self._usual_s = max(_LEAST_S, _FACTOR * ranked[int(_USUAL * (len(ranked) - 1))])
        return began

    def count(self, now: float, spare: int) -> int:
        """Return how many hosts are overdue, at most `spare`."""
        found = 0
        for began in islice(self._began.values(), spare):  # in the order in which they began
            if self._usual_s is None or now - began < self._usual_s:
                break
            found += 1
        return found

    def next_moment(self, now: float, spare: int) -> float | None:
        """Return when the next host will be overdue; None if unknown or if `spare` is used up."""
        already = self.count(now, spare)
        if self._usual_s is None or already >= spare:
            return None
        began = next(islice(self._began.values(), already, None), None)
        return None if began is None else began + self._usual_s
