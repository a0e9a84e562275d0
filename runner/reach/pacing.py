"""When a probe may be sent, and in what order: no burst at one router, no burst at one subnet."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["Deadlines", "TokenBucket", "interleave"]

Item = TypeVar("Item")


class TokenBucket:
    """Grants so many sends a second, in bursts of 5 ms' to 10 ms' worth.

    Where one at a time is granted, ten thousand a second wake the sender ten thousand times.

    Args:
        rate: Sends a second; None or 0 for no limit.
        now: The monotonic time at which it starts, in seconds.
    """

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate or 0.0
        self._burst = max(1.0, self._rate / 100)
        self._least = max(1.0, self._burst / 2)
        self._tokens = self._burst
        self._filled = now

    def take(self, wanted: int, now: float) -> int:
        """Grant as many of the wanted sends as may begin now."""
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
        """Tell the monotonic time from which the next send is granted."""
        missing = max(0.0, self._least - self._tokens)
        return self._filled + missing / self._rate if self._rate else self._filled


class Deadlines(Generic[Item]):
    """Items that fall due a fixed time after they were added: a queue, so that both cost next to nothing.

    Args:
        delay_s: Seconds from adding an item to its falling due.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay = delay_s
        self._queue: deque[tuple[float, Item]] = deque()

    def add(self, item: Item, now: float) -> None:
        """Let an item fall due after the delay."""
        self._queue.append((now + self._delay, item))

    def expired(self, now: float) -> Iterator[Item]:
        """Take out the items that are due, oldest first."""
        queue = self._queue
        while queue and queue[0][0] <= now:
            yield queue.popleft()[1]

    def next_due(self) -> float | None:
        """Tell when the next item falls due; None where there is none."""
        return self._queue[0][0] if self._queue else None


def interleave(items: Sequence[Item], subnet: Callable[[Item], object]) -> list[Item]:
    """Order items so that each subnet's come round in turn instead of in one burst.

    Routers and firewalls limit the ICMP that they answer for or pass to one network; a burst into one /24 is
    lost in part where the same packets, spread out, all arrive.
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
