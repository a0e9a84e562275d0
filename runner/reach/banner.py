"""The line with which an SSH server introduces itself (RFC 4253 section 4.2), read without taking it away.

The bytes are only peeked at, so that whoever is handed the socket afterwards still finds them there.
"""

from __future__ import annotations

import socket

from runner.reach.reasons import Reason

__all__ = ["peek_banner"]

_MOST_BYTES = 4096
_MOST_SHOWN = 255
_PREFIX = b"SSH-"


def peek_banner(sock: socket.socket, *, final: bool = False) -> str | Reason | None:
    """Look whether a server's banner has arrived on a non-blocking socket.

    Args:
        sock: A connected socket.
        final: Whether this is the last look, so that what has come so far has to be judged.

    Returns:
        The banner with everything unprintable shown as `?`; or the reason why there will be none; or None
        while it may yet come. Lines before the banner are skipped, as the RFC permits them.
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
    """Make a line that a stranger sent safe to show."""
    text = line.rstrip(b"\r")[:_MOST_SHOWN].decode("ascii", "replace")
    return "".join(
        character if character.isascii() and character.isprintable() else "?" for character in text
    )
