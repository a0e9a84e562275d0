"""Not too many at once that have not logged in yet.

OpenSSH begins to drop connections at random as soon as ten have not logged in (`MaxStartups 10:30:100`,
sshd_config(5)), and much network gear has no more than a handful of lines. Who waits here is not dropped
there.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from runner.connection.access import Access
    from runner.connection.deadline import Deadline

__all__ = ["turn"]

_LOOK_S = 0.25


class _Turns:
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


_turns = _Turns()


@contextmanager
def turn(target: Access, deadline: Deadline) -> Iterator[None]:
    """Wait until a connection to this address may begin; the context is the time until it is logged in.

    An address of this machine is counted for each of its ports, as what stands behind them are tunnels and
    containers. A host behind a jump host is counted at that jump host, and the jump host itself by its own.

    Args:
        target: Where to, and with which options; `startups` 0 is no limit.
        deadline: The host's deadline, which ends the wait.
    """
    most = target.options.startups
    if not most:
        yield
        return
    where = (target.jumps, _address(target))
    _turns.take(where, most, deadline)
    try:
        yield
    finally:
        _turns.give_back(where)


def _address(target: Access) -> Hashable:
    address, port = target.endpoint.address, target.endpoint.port
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = address == "localhost"
    return (address, port) if local else address
