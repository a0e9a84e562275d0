"""The queue of hosts that are ready to start, with pacing and spreading."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models import Host, HostResult
    from runner.text.quantities import Spread

__all__ = ["ReadyQueue", "Waiting"]


class Waiting(NamedTuple):
    """A host that may be started, and the result of its probe if it was probed."""

    host: Host
    reached: HostResult | None


class ReadyQueue:
    """The hosts of a batch that wait for a worker, and the pace at which they are started.

    Hosts start in batch order. A host that has to wait for another host of the same kind (for example, in the
    same chassis) keeps its place.

    Args:
        rate: Hosts started per second; None means unlimited.
        spread: Limits how many hosts with the same value of a variable are in flight.
    """

    def __init__(self, rate: float | None, spread: Spread | None = None) -> None:
        self._rate = rate
        self._spread = spread
        self._next = 0.0
        self._hosts: Sequence[Host] = ()
        self._untouched = range(0)
        self._ready: list[int] = []
        self._reached: dict[int, HostResult] = {}
        self._parked: dict[str, deque[int]] = {}
        self._at_work: Counter[str] = Counter()

    def open(self, hosts: Sequence[Host], *, ready: bool) -> None:
        """Begin a batch; `ready` says whether all its hosts may start immediately."""
        self._hosts = hosts
        self._untouched = range(len(hosts) if ready else 0)
        self._ready, self._parked, self._reached = [], {}, {}

    def add(self, place: int, reached: HostResult | None) -> None:
        """Queue the host at this index of the batch."""
        if reached is not None:
            self._reached[place] = reached
        heapq.heappush(self._ready, place)

    def names(self) -> set[str]:
        """Return the names of the queued hosts."""
        parked = (place for places in self._parked.values() for place in places)
        return {self._hosts[place].name for place in (*self._ready, *self._untouched, *parked)}

    def clear(self) -> None:
        """Empty the queue."""
        self._untouched = range(0)
        self._ready, self._parked, self._reached = [], {}, {}

    def take(self, room: int, now: float) -> list[Waiting]:
        """Take up to `room` hosts that may start at `now`; at most one if a rate is set."""
        if now < self._next:
            return []
        most = min(room, 1) if self._rate else room
        taken: list[Waiting] = []
        while self._anybody() and len(taken) < most:
            place = self._first()
            if self._admit(place):
                taken.append(Waiting(self._hosts[place], self._reached.pop(place, None)))
        if taken and self._rate:
            self._next = max(now, self._next) + 1 / self._rate
        return taken

    def ended(self, host: Host) -> None:
        """Note that a host has finished: another host of its kind may start."""
        kind = self._kind(host)
        if kind is None:
            return
        self._at_work[kind] -= 1
        parked = self._parked.get(kind)
        if parked:
            heapq.heappush(self._ready, parked.popleft())

    def next_moment(self) -> float | None:
        """Return the monotonic time of the next possible start; None if the queue is empty."""
        return self._next if self._anybody() else None

    def _anybody(self) -> bool:
        return bool(self._ready) or bool(self._untouched)

    def _first(self) -> int:
        """Take out the lowest index, of the initial hosts and those added later."""
        if self._ready and not (self._untouched and self._untouched[0] < self._ready[0]):
            return heapq.heappop(self._ready)
        place, self._untouched = self._untouched[0], self._untouched[1:]
        return place

    def _admit(self, place: int) -> bool:
        """Return whether a host may start; if not, park it until another host of its kind has ended."""
        kind = self._kind(self._hosts[place])
        if kind is None or self._spread is None:
            return True
        if self._at_work[kind] >= self._spread.most:
            self._parked.setdefault(kind, deque()).append(place)
            return False
        self._at_work[kind] += 1
        return True

    def _kind(self, host: Host) -> str | None:
        """Return the host's value of the spread variable; None if it has none."""
        value = host.variables.get(self._spread.variable) if self._spread is not None else None
        return None if value in (None, "") else str(value)
