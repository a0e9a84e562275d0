"""Messages between a process and its confined child: a kind, a length and that many bytes."""

from __future__ import annotations

import struct
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from io import BufferedReader

__all__ = ["HEADER", "MOST", "Kind", "receive", "send"]

HEADER = struct.Struct("!cdI")
MOST = 2**24
"""Bytes of one message."""


class Kind(bytes, Enum):
    """What a message is."""

    REQUEST = b"r"
    """To the child: work, and the seconds of computing time that it may take."""
    REPLY = b"R"
    """From the child: what came of it."""
    ASK = b"a"
    """From the child: something that only its parent knows."""
    ANSWER = b"A"
    """To the child: that."""
    ABORT = b"x"
    """To the child: there is no answer, and the request is given up."""
    STOPPED = b"S"
    """From the child: the request exceeded a limit; says which."""


def send(connection: socket.socket, kind: Kind, payload: bytes = b"", limit_s: float = 0.0) -> None:
    """Send one message."""
    connection.sendall(HEADER.pack(kind.value, limit_s, len(payload)) + payload)


def receive(reader: BufferedReader) -> tuple[Kind, float, bytes]:
    """Return the next message.

    Raises:
        EOFError: The other side has ended, or what it sends makes no sense.
    """
    header = reader.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    kind, limit_s, size = HEADER.unpack(header)
    payload = reader.read(size) if size <= MOST else b""
    if len(payload) < size:
        raise EOFError
    try:
        return Kind(kind), limit_s, payload
    except ValueError as exc:
        raise EOFError from exc
