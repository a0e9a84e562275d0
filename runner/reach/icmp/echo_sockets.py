"""The ICMP sockets of one probe run: one per address family, and more only when a send buffer is full.

A packet to a neighbour that does not answer ARP or neighbour discovery stays in the socket's send buffer
for about 3 s, until the kernel gives up. If the user may not enlarge send buffers, a few hundred absent
neighbours fill one; another socket then carries the probes to the other hosts.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import PermissionMissing
from runner.reach.icmp.echo_socket import EchoSocket

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.reach.target import Address

__all__ = ["EchoSockets"]

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_MOST_PER_FAMILY = 16


class EchoSockets:
    """Sends through a socket that has room, and calls back when a socket is readable.

    It starts with one socket for each address family that this machine supports and this user may ping.

    Args:
        selector: The selector that watches the sockets.
        ready: Called with a socket that has replies or refusals.

    Attributes:
        full: Whether no socket had room for the latest packet, and none has room since.
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
        """Return the addresses whose family has a socket."""
        for address in addresses:
            if address.family not in self._all:
                return tuple([each for each in addresses if each.family in self._all])
        return addresses

    def send(self, address: Address, sequence: int, token: bytes) -> bool:
        """Send one echo request; return False if no socket has room for it.

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
        """Return how many datagrams this machine dropped because we did not read them in time."""
        return sum(each.dropped() for sockets in self._all.values() for each in sockets)

    def _one_more(self, family: int) -> bool:
        """Open another socket; return False if that fails or the limit is reached."""
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
        """Put a socket that has room again back into use, and have its replies read."""
        if events & selectors.EVENT_WRITE:
            self.full = False
            self._with_room[family].append(sock)
            self._wait_for(sock, selectors.EVENT_READ, family)
        self._ready(sock)
