"""How many hosts may be at work at once: so many, or as many as the network and the servers bear."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from runner.models import Status

if TYPE_CHECKING:
    from runner.models import HostResult

__all__ = ["Adaptive", "Fixed", "WorkerLimit", "strained"]

_START = 20
_WINDOW = 50
_FEWEST = 10
_STRAIN = 0.1

_STRAINS = frozenset(
    {
        "busy",
        "closed-early",
        "closed-in-login",
        "connection-lost",
        "kex-failed",
        "kex-stalled",
        "no-banner",
        "local-limit",
        "no-reply",
        "resolve-timeout",
    }
)
"""What happens where too much is asked at once; a closed port or a refused login happens anyway."""


class WorkerLimit(Protocol):
    """How many hosts may be at work."""

    limit: int
    """So many."""

    def take(self, result: HostResult, began: float, now: float, *, full: bool) -> None:
        """Learn from a host's result.

        Args:
            result: The result.
            began: When it was started, on the monotonic clock.
            now: When its result came.
            full: Whether as many were at work as may be.
        """


class Fixed:
    """As many as were asked for."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def take(self, result: HostResult, began: float, now: float, *, full: bool) -> None:
        """Learn nothing."""


class Adaptive:
    """As many as go well: more and more, half as many once more than a tenth meet passing faults.

    Additive increase and multiplicative decrease, as TCP has it (RFC 5681): until the first setback one more
    for every host that went well, from then on one more for every `limit` of them. After a setback only hosts
    that were started since then are heard.

    Args:
        most: It goes no higher.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_START, most)
        self._most = most
        self._window: deque[bool] = deque(maxlen=_WINDOW)
        self._careful = False
        self._credit = 0
        self._cut_at = float("-inf")

    def take(self, result: HostResult, began: float, now: float, *, full: bool) -> None:
        """See `WorkerLimit`."""
        if began < self._cut_at:
            return
        fault = strained(result)
        self._window.append(fault)
        if len(self._window) >= _FEWEST and sum(self._window) > _STRAIN * len(self._window):
            self.limit = max(1, self.limit // 2)
            self._window.clear()
            self._careful, self._credit, self._cut_at = True, 0, now
        elif full and not fault:
            self._grow()

    def _grow(self) -> None:
        self._credit += 1
        if self._credit >= (self.limit if self._careful else 1):
            self._credit = 0
            self.limit = min(self._most, self.limit + 1)


def strained(result: HostResult) -> bool:
    """Whether a host met a fault that passes, and that fewer at once would have spared it."""
    faults = (Status.UNREACHABLE, Status.TIMEOUT, Status.LOST, Status.ERROR)
    met = result.status in faults and result.reason in _STRAINS
    return result.attempts > 1 or met
