"""Connections opened by the ping, kept for a few seconds so that the login can reuse them.

A server penalises an address whose clients connect and leave (`PerSourcePenalties` in sshd_config(5)), and
reuse saves a round trip. The login takes a connection from here or opens a new one; both work alike.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner.models import Endpoint

__all__ = ["Preconnected", "taken"]

_KEPT_S = 5.0
"""Long enough for a worker to come; closing a stale connection may take up to twice as long."""
_MOST_ALIKE = 4
"""To one endpoint: OpenSSH begins to drop connections when ten have not logged in (`MaxStartups`)."""


class _Kept(NamedTuple):
    sock: socket.socket
    until: float


class Preconnected:
    """Keeps a limited number of connections, each for a few seconds, until a login takes it.

    Args:
        most: Maximum number of connections to keep. More than there are workers would only grow stale.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Endpoint, list[_Kept]] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False
        _open.add(self)

    def __call__(self, endpoint: Endpoint, sock: socket.socket) -> None:
        """Keep a connected socket, or close it if the limit is reached."""
        with self._lock:
            alike = self._kept.setdefault(endpoint, [])
            if self._closed or self._count >= self._most or len(alike) >= _MOST_ALIKE:
                sock.close()
                return
            alike.append(_Kept(sock, time.monotonic() + _KEPT_S))
            self._count += 1
            if self._timer is None:
                self._look_later()

    def take(self, endpoint: Endpoint) -> socket.socket | None:
        """Return an open connection to an endpoint; None if there is none."""
        with self._lock:
            alike = self._kept.get(endpoint, [])
            while alike:
                kept = alike.pop(0)
                self._count -= 1
                if _stands(kept.sock):
                    return kept.sock
                kept.sock.close()
        return None

    def close(self) -> None:
        """Close all connections that were not taken, and each one that is handed in later."""
        _open.discard(self)
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            self._close_all(until=math.inf)

    def _look_later(self) -> None:
        self._timer = threading.Timer(_KEPT_S, self._close_stale)
        self._timer.daemon = True
        self._timer.start()

    def _close_stale(self) -> None:
        with self._lock:
            self._close_all(until=time.monotonic())
            self._timer = None
            if self._count and not self._closed:
                self._look_later()

    def _close_all(self, until: float) -> None:
        """Close the connections whose time ends at or before a moment."""
        for alike in self._kept.values():
            while alike and alike[0].until <= until:
                alike.pop(0).sock.close()
                self._count -= 1


_open: set[Preconnected] = set()


def taken(endpoint: Endpoint) -> socket.socket | None:
    """Return a connection to an endpoint that a ping of this process opened; None if there is none."""
    for made in tuple(_open):
        if (sock := made.take(endpoint)) is not None:
            return sock
    return None


def _stands(sock: socket.socket) -> bool:
    """Tell whether a connection is open: the peer has not ended it."""
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
