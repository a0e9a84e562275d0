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
"""Most bytes in one message."""


class Kind(bytes, Enum):
    """The type of a message."""

    REQUEST = b"r"
    """To the child: a request, with its limit in seconds of CPU time."""
    REPLY = b"R"
    """From the child: the reply to a request."""
    ASK = b"a"
    """From the child: a question that only the parent can answer."""
    ANSWER = b"A"
    """To the child: the answer to its question."""
    ABORT = b"x"
    """To the child: give up the request, which gets no answer."""
    STOPPED = b"S"
    """From the child: the request exceeded a limit, which the payload names."""


def send(connection: socket.socket, kind: Kind, payload: bytes = b"", limit_s: float = 0.0) -> None:
    """Send one message."""
    connection.sendall(HEADER.pack(kind.value, limit_s, len(payload)) + payload)


def receive(reader: BufferedReader) -> tuple[Kind, float, bytes]:
    """Return the next message.

    Raises:
        EOFError: The other side has ended, or sent an invalid message.
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
