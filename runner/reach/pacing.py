"""Rate and order of probes, without bursts at one router or one subnet."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Deadlines", "TokenBucket", "interleave"]

Item = TypeVar("Item")


class TokenBucket:
    """Grants a fixed number of sends per second, in bursts worth 5 ms to 10 ms.

    Bursts save wake-ups: granted one by one, ten thousand sends a second wake the sender ten thousand times.

    Args:
        rate: Sends per second; None or 0 for no limit.
        now: The monotonic time at which it starts, in seconds.
    """

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate or 0.0
        self._burst = max(1.0, self._rate / 100)
        self._least = max(1.0, self._burst / 2)
        self._tokens = self._burst
        self._filled = now

    def take(self, wanted: int, now: float) -> int:
        """Return how many of the wanted sends may begin now."""
        if not self._rate:
            return wanted
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < self._least:
            return 0
        granted = min(wanted, int(self._tokens))
        self._tokens -= granted
        return granted

    def give_back(self, unused: int) -> None:
        """Return grants that were not used."""
        if self._rate:
            self._tokens += unused

    def next_grant(self) -> float:
        """Return the monotonic time from which the next send is granted."""
        missing = max(0.0, self._least - self._tokens)
        return self._filled + missing / self._rate if self._rate else self._filled


class Deadlines(Generic[Item]):
    """Items that are due a fixed time after they were added: a plain queue, so that both steps are cheap.

    Args:
        delay_s: Seconds from adding an item until it is due.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay = delay_s
        self._queue: deque[tuple[float, Item]] = deque()

    def add(self, item: Item, now: float) -> None:
        """Add an item that is due after the delay."""
        self._queue.append((now + self._delay, item))

    def expired(self, now: float) -> Iterator[Item]:
        """Remove and yield the items that are due, oldest first."""
        queue = self._queue
        while queue and queue[0][0] <= now:
            yield queue.popleft()[1]

    def next_due(self) -> float | None:
        """Return the monotonic time at which the next item is due; None if there are no items."""
        return self._queue[0][0] if self._queue else None


def interleave(items: Sequence[Item], subnet: Callable[[Item], object]) -> list[Item]:
    """Order items so that the subnets take turns, instead of one burst per subnet.

    Routers and firewalls limit the ICMP that they answer or forward for one network: of a burst into one /24,
    some packets are lost that would all arrive if they were spread out.
    """
    taken: dict[object, int] = {}
    turns: list[list[Item]] = []
    for item in items:
        key = subnet(item)
        turn = taken[key] = taken.get(key, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(item)
    return list(chain.from_iterable(turns))
