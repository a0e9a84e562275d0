"""The ICMP sockets of one run of probes: one per address family, and more of them only under back-pressure.

A packet to a neighbour that does not answer ARP or neighbour discovery stays in the send buffer of its
socket until the kernel gives the neighbour up, which takes about 3 s. Where a user may not have large send
buffers, a few hundred absent neighbours fill one; the next socket then keeps the probes of all other hosts
going.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import PermissionMissing
from runner.reach.icmp import EchoSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.reach.target import Address

__all__ = ["EchoSockets"]

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_MOST_PER_FAMILY = 16


class EchoSockets:
    """Sends through whichever socket has room, and tells when there is something to receive.

    It begins with a socket for each address family that this machine speaks and this user may ping.

    Args:
        selector: What waits for the sockets.
        ready: Is called with a socket that has replies or refusals.

    Attributes:
        full: Whether no socket had room for the latest packet, and none has got it since.
    """

    def __init__(self, selector: selectors.BaseSelector, ready: Callable[[EchoSocket], None]) -> None:
        self._selector = selector
        self._ready = ready
        self._all: dict[int, list[EchoSocket]] = {}
        self._with_room: dict[int, list[EchoSocket]] = {}
        self.full = False
        for family in _FAMILIES:
            with contextlib.suppress(PermissionMissing, OSError):
                opened = EchoSocket(family)
                self._all[family], self._with_room[family] = [], []
                self._add(family, opened)

    def close(self) -> None:
        """Close every socket."""
        for sockets in self._all.values():
            for each in sockets:
                each.close()

    def spoken(self, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        """Return those of some addresses that there is a socket for."""
        for address in addresses:
            if address.family not in self._all:
                return tuple([each for each in addresses if each.family in self._all])
        return addresses

    def send(self, address: Address, sequence: int, token: bytes) -> bool:
        """Send one echo request; tell whether there was room for it.

        Raises:
            OSError: The kernel refused to send it.
        """
        with_room = self._with_room[address.family]
        while with_room or self._one_more(address.family):
            try:
                with_room[-1].send(sequence, token, address.pinged)
            except BlockingIOError:
                filled = with_room.pop()
                self._wait_for(filled, selectors.EVENT_READ | selectors.EVENT_WRITE, address.family)
            else:
                return True
        self.full = True
        return False

    def dropped(self) -> int:
        """Count the datagrams that this machine threw away because we did not fetch them in time."""
        return sum(each.dropped() for sockets in self._all.values() for each in sockets)

    def _one_more(self, family: int) -> bool:
        """Open another socket, if there may be one."""
        if len(self._all[family]) >= _MOST_PER_FAMILY:
            return False
        try:
            self._add(family, EchoSocket(family))
        except (PermissionMissing, OSError):
            return False
        return True

    def _add(self, family: int, opened: EchoSocket) -> None:
        self._all[family].append(opened)
        self._with_room[family].append(opened)
        self._selector.register(opened, selectors.EVENT_READ, partial(self._on_event, family, opened))

    def _wait_for(self, sock: EchoSocket, events: int, family: int) -> None:
        self._selector.modify(sock, events, partial(self._on_event, family, sock))

    def _on_event(self, family: int, sock: EchoSocket, events: int) -> None:
        """Take a socket that has room again back into use, and have it read."""
        if events & selectors.EVENT_WRITE:
            self.full = False
            self._with_room[family].append(sock)
            self._wait_for(sock, selectors.EVENT_READ, family)
        self._ready(sock)
