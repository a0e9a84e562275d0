"""SFTP requests and replies, with many requests in flight at once."""

from __future__ import annotations

import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.connection.command.stream import StreamEnded
from runner.errors import RequestRefused
from runner.models import Phase
from runner.text import excerpt
from runner.transfer.errors import bad_reply
from runner.transfer.wire import Message, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.connection.command.stream import Stream

__all__ = ["Conversation"]

_VERSION = 3
_LONGEST = 2**18 + 2**10
"""Longest packet in bytes. OpenSSH's own limit is 256 KB; a longer announcement is not SFTP."""
_EXTENSIONS = 64
_SHORTEST = 5
_HEAD = struct.Struct(">IB")
_NUMBER = struct.Struct(">I")


class Conversation:
    """A client's connection to an SFTP server: sends requests and reads replies.

    Args:
        stream: The byte stream to the server.

    Attributes:
        extensions: The server's extensions to version 3: name and version.

    Raises:
        HostError: The host has no SFTP server, or it does not answer.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._number = 0
        self._given_up: set[int] = set()
        self.extensions = self._greet()

    def _greet(self) -> dict[bytes, bytes]:
        with self._stream.working():
            try:
                self._stream.send(_packet(Message.INIT, _NUMBER.pack(_VERSION)))
                kind, reader = self._next()
            except StreamEnded as exc:
                if exc.transient:
                    raise
                said = excerpt(self._stream.said())
                raise RequestRefused(
                    f"the server has no SFTP{': ' if said else ''}{said}",
                    reason="no-sftp",
                    phase=Phase.TRANSFER,
                ) from exc
        if kind != Message.VERSION or reader.uint32() < _VERSION:
            raise bad_reply("the server speaks an SFTP that is older than version 3")
        extensions: dict[bytes, bytes] = {}
        while reader.left() and len(extensions) < _EXTENSIONS:
            name = reader.string()
            extensions[name] = reader.string()
        return extensions

    @contextmanager
    def working(self, *, last: bool = False) -> Iterator[None]:
        """Apply the stream's idle timeout to requests in this context; see `Stream.working`."""
        with self._stream.working(last=last):
            yield

    def ask(self, kind: Message, *fields: bytes) -> tuple[int, Reader]:
        """Send one request and wait for its reply; return the reply's type and fields."""
        with self._stream.working():
            return self.answer_to(self.post(kind, *fields))

    def post(self, kind: Message, *fields: bytes) -> int:
        """Send one request, in a `working` context; return the number that its reply will have."""
        self._number = (self._number + 1) % 2**32
        self._stream.send(_packet(kind, _NUMBER.pack(self._number), *fields))
        return self._number

    def answer_to(self, number: int) -> tuple[int, Reader]:
        """Wait for the reply to the only request in flight; return its type and fields."""
        found, kind, reader = self.answer()
        if found != number:
            raise bad_reply("the SFTP server sent a reply that matches no request")
        return kind, reader

    def answer(self) -> tuple[int, int, Reader]:
        """Wait for a reply; return its number, its type and its fields."""
        while True:
            kind, reader = self._next()
            number = reader.uint32()
            if number not in self._given_up:
                return number, kind, reader
            self._given_up.remove(number)

    def give_up(self, numbers: Iterable[int]) -> None:
        """Ignore later replies with these numbers."""
        self._given_up.update(numbers)

    def close(self) -> None:
        """Close the stream, which ends the server."""
        self._stream.close()

    def _next(self) -> tuple[int, Reader]:
        """Return the next packet: its type, and the rest."""
        length = self._length()
        while len(self._buffer) < length + 4:
            self._buffer += self._stream.recv()
        packet = bytes(memoryview(self._buffer)[4 : length + 4])
        del self._buffer[: length + 4]
        return packet[0], Reader(memoryview(packet)[1:])

    def _length(self) -> int:
        while len(self._buffer) < _NUMBER.size:
            self._buffer += self._stream.recv()
        length = int(_NUMBER.unpack_from(self._buffer)[0])
        if _SHORTEST <= length <= _LONGEST:
            return length
        begin = bytes(self._buffer[:200])
        if begin[:4].isascii() and begin[:4].decode().isprintable():
            # The usual cause; OpenSSH's sftp reports it as "Received message too long 1416128883".
            raise bad_reply(
                "the server sends text instead of SFTP, perhaps from a shell start-up file, "
                "which may print only if [ -t 1 ]; or set ansible_ssh_transfer_method: scp; "
                f"{excerpt(begin)!r}"
            )
        raise bad_reply(f"the SFTP server announces a packet of {length} bytes")


def _packet(kind: Message, *fields: bytes) -> bytes:
    length = 1 + sum(map(len, fields))
    return b"".join((_HEAD.pack(length, kind), *fields))
