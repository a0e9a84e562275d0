"""Who may be started now: hosts that wait for their turn, and when it comes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner.models import Host, HostResult

__all__ = ["Starts", "Waiting"]


class Waiting(NamedTuple):
    """A host that may be started, and what its probe found, where it was probed."""

    host: Host
    reached: HostResult | None


class Starts:
    """The hosts of a run that wait for a worker, and the pace at which they are started.

    Args:
        rate: Hosts started a second; None is no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._waiting: deque[Waiting] = deque()
        self._next = 0.0

    def add(self, host: Host, reached: HostResult | None) -> None:
        """Let a host wait behind the others."""
        self._waiting.append(Waiting(host, reached))

    def names(self) -> set[str]:
        """Return the names of the hosts that wait."""
        return {waiting.host.name for waiting in self._waiting}

    def clear(self) -> None:
        """Let nobody wait any more."""
        self._waiting.clear()

    def take(self, room: int, now: float) -> list[Waiting]:
        """Return the hosts that may be started now: as many as there is room for; one at a time if paced."""
        if now < self._next:
            return []
        most = min(room, 1) if self._rate else room
        ready = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        if ready and self._rate:
            self._next = max(now, self._next) + 1 / self._rate
        return ready

    def next_moment(self) -> float | None:
        """Return the monotonic time from which a host may be started; None where nobody waits."""
        return self._next if self._waiting else None
