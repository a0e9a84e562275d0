"""Not too many at once that have not logged in yet.

OpenSSH begins to drop connections at random as soon as ten have not logged in (`MaxStartups 10:30:100`,
sshd_config(5)), and much network gear has no more than a handful of lines. Who waits here is not dropped
there, as long as both count alike: a server counts a client until its own side of the login has ended, which
is a moment after it has told the client so, and one that hung up until it has noticed.
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

# The first and the longest pause before a server that says that it is full is asked again. What fills it in
# spite of a limit that is kept are clients that have just left, and probes.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 0.5


class _LoginLimiter:
    """Counts who is logging in, by where."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: Counter[Hashable] = Counter()

    def take(self, where: Hashable, most: int, deadline: Deadline) -> None:
        with self._changed:
            while self._taken[where] >= most and not deadline.stopped():
                left = deadline.remaining()
                if left is not None and left <= 0:
                    break  # the first step of the connection says so
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
    """The place of one connection among those to its address that have not logged in yet.

    An address of this machine is counted for each of its ports, as what stands behind them are tunnels and
    containers. A host behind a jump host is counted at that jump host, and the jump host itself by its own.

    Args:
        target: Where to, and with which options; `startups` 0 is no limit.
    """

    def __init__(self, target: LoginTarget) -> None:
        self._most = target.options.startups
        self._where = (target.jumps, _address(target))
        self._place: threading.Lock | None = None

    def take(self, deadline: Deadline) -> None:
        """Wait until there is room.

        Args:
            deadline: The host's deadline, which ends the wait.
        """
        if self._most:
            _turns.take(self._where, self._most, deadline)
            self._place = threading.Lock()

    def give_back(self) -> None:
        """Make room for another: the server has shown that it counts this one no more, or it has ended."""
        # Hosts behind a jump host share its connection, and so this place: whoever comes first gives it back.
        if self._place is not None and self._place.acquire(blocking=False):
            _turns.give_back(self._where)


def patiently(begin: Callable[[], _Begun], seconds: float, deadline: Deadline) -> _Begun:
    """Begin a connection; a moment later again where the server says that it is full.

    The place is kept meanwhile: were it given to the next, that one would be turned away as fast, and a fleet
    at one address would have used up its retries before the server had room again.

    Args:
        begin: Begins it.
        seconds: How long that may take.
        deadline: The host's deadline.

    Raises:
        HostError: What `begin` raised.
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
