"""Read an SSH server's identification string (RFC 4253 section 4.2) without consuming it.

The bytes are peeked at (`MSG_PEEK`), so that the SSH client that takes over the socket can still read them.
"""

from __future__ import annotations

import socket

from runner.reach.reasons import Reason

__all__ = ["peek_banner"]

_MOST_BYTES = 4096
_MOST_SHOWN = 255
_PREFIX = b"SSH-"


def peek_banner(sock: socket.socket, *, final: bool = False) -> str | Reason | None:
    """Check whether a server's banner has arrived on a non-blocking socket.

    Args:
        sock: A connected socket.
        final: Whether this is the last check, so that the data received so far decides.

    Returns:
        The banner, with each unprintable character shown as `?`; or the reason why there will be no banner;
        or None while it may still arrive. Lines before the banner are skipped: the RFC permits them.
    """
    try:
        received = sock.recv(_MOST_BYTES, socket.MSG_PEEK)
    except BlockingIOError:
        return Reason.NO_BANNER if final else None
    except OSError:
        return Reason.CLOSED_EARLY
    if not received:
        return Reason.CLOSED_EARLY
    *lines, rest = received.split(b"\n")
    banner = next((line for line in lines if line.startswith(_PREFIX)), None)
    if banner is not None:
        return _printable(banner)
    if final or len(received) >= _MOST_BYTES:
        return Reason.NO_BANNER if rest.startswith(_PREFIX) else Reason.NOT_SSH
    return None


def _printable(line: bytes) -> str:
    """Replace unprintable characters in a line that an untrusted server sent."""
    text = line.rstrip(b"\r")[:_MOST_SHOWN].decode("ascii", "replace")
    return "".join(
        character if character.isascii() and character.isprintable() else "?" for character in text
    )
