"""The limit of hosts in flight: fixed, or adapted to the load that the network and the servers can take."""

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
"""Reasons that indicate overload; a closed port or a refused login does not depend on the load."""


class WorkerLimit(Protocol):
    """Decides how many hosts may be in flight."""

    limit: int
    """The current limit."""

    def take(self, result: HostResult, began: float, now: float, *, full: bool) -> None:
        """Learn from a host's result.

        Args:
            result: The result.
            began: When the host was started, on the monotonic clock.
            now: When its result arrived.
            full: Whether the limit of hosts in flight had been reached.
        """


class Fixed:
    """A limit that does not change."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def take(self, result: HostResult, began: float, now: float, *, full: bool) -> None:
        """Do nothing."""


class Adaptive:
    """A limit that grows with each success and is halved when more than a tenth of hosts show overload.

    Additive increase and multiplicative decrease, as in TCP (RFC 5681). Until it is first halved, the limit
    grows by one for every host without a fault; after that, by one for every `limit` such hosts. After the
    limit is halved, only hosts that were started later count.

    Args:
        most: The highest limit.
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
    """Return whether a host shows overload: it needed a second attempt, or failed for such a reason."""
    faults = (Status.UNREACHABLE, Status.TIMEOUT, Status.LOST, Status.ERROR)
    met = result.status in faults and result.reason in _STRAINS
    return result.attempts > 1 or met
