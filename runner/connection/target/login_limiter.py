"""Limit the number of unauthenticated connections per address (sshd's MaxStartups).

OpenSSH begins to drop connections at random when ten of them have not logged in (`MaxStartups 10:30:100`,
sshd_config(5)), and much network gear accepts only a handful of connections. If a connection waits here, the
server does not drop it, as long as both sides count alike. A server counts a client until its own side of the
login has ended, a moment after it has told the client; it counts a client that hung up until it notices.
"""

from __future__ import annotations

import ipaddress
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from runner.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from runner.connection.deadline import Deadline
    from runner.connection.target.access import LoginTarget

__all__ = ["LoginSlot", "patiently"]

_Begun = TypeVar("_Begun")

_LOOK_S = 0.25

# The first and the longest pause before we retry a server that says that it is full. Even if the limit is
# kept, probes and clients that have just left can fill a server.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


class _LoginLimiter:
    """Counts the connections that are logging in, by address."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: Counter[Hashable] = Counter()

    def take(self, where: Hashable, most: int, deadline: Deadline) -> None:
        with self._changed:
            while self._taken[where] >= most and not deadline.stopped():
                left = deadline.remaining()
                if left is not None and left <= 0:
                    break  # the first step of the connection reports the timeout
                self._changed.wait(_LOOK_S if left is None else min(_LOOK_S, left))
            self._taken[where] += 1

    def give_back(self, where: Hashable) -> None:
        with self._changed:
            self._taken[where] -= 1
            if not self._taken[where]:
                del self._taken[where]
            self._changed.notify_all()


_turns = _LoginLimiter()


class LoginSlot:
    """The slot of one connection among those to its address that have not logged in yet.

    A loopback address is counted per port, because its ports lead to different tunnels and containers. A host
    behind a jump host is counted separately for that jump host, and the jump host has its own count.

    Args:
        target: The host and its options; `startups` 0 means no limit.
    """

    def __init__(self, target: LoginTarget) -> None:
        self._most = target.options.startups
        self._where = (target.jumps, _address(target))
        self._place: threading.Lock | None = None

    def take(self, deadline: Deadline) -> None:
        """Wait for a free slot.

        Args:
            deadline: The host's deadline, which ends the wait.
        """
        if self._most:
            _turns.take(self._where, self._most, deadline)
            self._place = threading.Lock()

    def give_back(self) -> None:
        """Free the slot: the server no longer counts this connection, or the connection has ended."""
        # Hosts behind a jump host share its connection and this slot; the first of them frees it.
        if self._place is not None and self._place.acquire(blocking=False):
            _turns.give_back(self._where)


def patiently(begin: Callable[[], _Begun], seconds: float, deadline: Deadline) -> _Begun:
    """Begin a connection; if the server says that it is full, retry after a pause.

    The slot is kept during the pause. Otherwise the next connection would be rejected just as fast, and many
    hosts at one address would use up their retries before the server had room again.

    Args:
        begin: Begins the connection.
        seconds: Maximum seconds for all attempts.
        deadline: The host's deadline.

    Raises:
        HostError: The error that `begin` raised.
    """
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE_S
    while True:
        try:
            return begin()
        except Unreachable as exc:
            if exc.reason != "busy" or time.monotonic() + pause >= end or deadline.stopped():
                raise
        deadline.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _address(target: LoginTarget) -> Hashable:
    address, port = target.endpoint.address, target.endpoint.port
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = address == "localhost"
    return (address, port) if local else address
