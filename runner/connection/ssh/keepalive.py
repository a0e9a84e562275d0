"""Keepalive: detect a server that no longer answers, like `ServerAliveInterval` (ssh_config(5))."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from runner.connection.command.timeouts import SIGNS
from runner.connection.transport.paramiko_fixes import ask_for_sign

if TYPE_CHECKING:
    import paramiko

__all__ = ["Keepalive"]


class Keepalive:
    """Sends a keepalive when the server has been silent; anything that the server sends counts as a reply.

    Args:
        channel: A channel of the connection.
        every_s: Seconds of silence after which a keepalive is sent; None means never.
    """

    def __init__(self, channel: paramiko.Channel, every_s: float | None) -> None:
        self._channel: Any = channel
        self._every_s = every_s
        self._received = -1
        self._owed = 0
        self._next = 0.0

    def gone(self) -> bool:
        """Send a keepalive if one is due; return whether too many are unanswered."""
        if self._every_s is None:
            return False
        received = self._channel.transport.sock.received
        now = time.monotonic()
        if received != self._received:
            self._received, self._owed, self._next = received, 0, now + self._every_s
        elif now >= self._next:
            if self._owed >= SIGNS:
                return True
            self._owed += 1
            self._next = now + self._every_s
            ask_for_sign(self._channel)
        return False

    def left(self) -> float | None:
        """Return the seconds until the next keepalive is due; None means never."""
        return None if self._every_s is None else max(0.0, self._next - time.monotonic())
