"""Transfer one file's content to or from an SFTP server, with enough requests in flight to fill the link."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from runner.text import excerpt
from runner.transfer.errors import TransferFailed, bad_reply, failed
from runner.transfer.wire import Code, Message, Status, string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.transfer.conversation import Conversation

__all__ = ["IN_FLIGHT", "read", "write"]

IN_FLIGHT = 2**21
"""Most bytes requested, or sent but not acknowledged: as in OpenSSH's `sftp` (64 times 32 KB)."""

_PLACE = struct.Struct(">QI")
_OFFSET = struct.Struct(">Q")


def write(talk: Conversation, handle: bytes, content: Iterable[bytes], piece: int) -> Status | None:
    """Write an open file from its beginning.

    Args:
        talk: The conversation with the server.
        handle: The open file.
        content: The bytes, in chunks of any size.
        piece: Most bytes that the server accepts in one request.

    Returns:
        The server's status if it refused a request; None if it accepted all.
    """
    under_way: set[int] = set()
    offset = 0
    most = max(1, IN_FLIGHT // piece)
    name = string(handle)
    try:
        for part in pieces(content, piece):
            under_way.add(talk.post(Message.WRITE, name, _OFFSET.pack(offset), string(part)))
            offset += len(part)
            while len(under_way) >= most:
                refused = _acknowledged(talk, under_way)
                if refused is not None:
                    return refused
        while under_way:
            refused = _acknowledged(talk, under_way)
            if refused is not None:
                return refused
    finally:
        talk.give_up(under_way)
    return None


def _acknowledged(talk: Conversation, under_way: set[int]) -> Status | None:
    """Read one reply; return its status if it is a refusal."""
    number, kind, reader = talk.answer()
    if number not in under_way or kind != Message.STATUS:
        raise bad_reply("the SFTP server sent a reply that matches no request")
    under_way.remove(number)
    status = reader.status()
    return None if status.code == Code.OK else status


def pieces(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Split content into pieces of one size; the last may be smaller, none is empty."""
    kept = b""
    for part in content:
        kept = kept + part if kept else part
        at = 0
        while len(kept) - at >= size:
            yield kept[at : at + size]
            at += size
        kept = kept[at:]
    if kept:
        yield kept


def read(talk: Conversation, handle: bytes, size: int, piece: int) -> Iterator[bytes]:
    """Read an open file up to its actual end.

    Args:
        talk: The conversation with the server, in a `working` context.
        handle: The open file.
        size: Its reported size, up to which data is requested ahead.
        piece: Most bytes that the server returns for one request.

    Raises:
        TransferFailed: The server refused.
    """
    reading = _Reading(talk, handle, size, piece)
    try:
        while not reading.ended():
            reading.ask()
            yield from reading.take()
    finally:
        talk.give_up(reading.under_way)


class _Reading:
    """Requests for one file's content; replies may arrive in any order, with less data than requested."""

    def __init__(self, talk: Conversation, handle: bytes, size: int, piece: int) -> None:
        self.under_way: dict[int, tuple[int, int]] = {}
        self._talk = talk
        self._handle = string(handle)
        self._size = size
        self._piece = piece
        self._asked = 0
        self._given = 0
        self._end: int | None = None
        self._early: dict[int, bytes] = {}

    def ended(self) -> bool:
        """Return whether the end of the file was reached and no request is in flight."""
        return self._end is not None and not self.under_way

    def ask(self) -> None:
        """Send requests up to the limit in flight; beyond the reported size, only one at a time."""
        most = max(1, IN_FLIGHT // self._piece)
        while self._end is None and len(self.under_way) + len(self._early) < most:
            if self._asked > self._size and self.under_way:
                return
            self._post(self._asked, self._piece)
            self._asked += self._piece

    def _post(self, offset: int, length: int) -> None:
        number = self._talk.post(Message.READ, self._handle, _PLACE.pack(offset, length))
        self.under_way[number] = offset, length

    def take(self) -> Iterator[bytes]:
        """Read one reply, and yield the data that is now complete up to it."""
        number, kind, reader = self._talk.answer()
        if number not in self.under_way:
            raise bad_reply("the SFTP server sent a reply that matches no request")
        offset, length = self.under_way.pop(number)
        if kind == Message.DATA:
            self._keep(offset, length, bytes(reader.data()))
        elif kind == Message.STATUS and (status := reader.status()).code == Code.EOF:
            self._end = offset if self._end is None else min(self._end, offset)
        elif kind == Message.STATUS:
            raise _refused(status)
        else:
            raise bad_reply("the SFTP server answers a read request with another type of packet")
        while self._given in self._early:
            data = self._early.pop(self._given)
            self._given += len(data)
            yield data
        if self.ended() and self._early:
            raise failed("the file became shorter while it was read", "changed")

    def _keep(self, offset: int, length: int, data: bytes) -> None:
        if not 0 < len(data) <= length:
            raise bad_reply(f"the SFTP server sent {len(data)} bytes, but {length} were requested")
        self._early[offset] = data
        if len(data) < length:
            self._post(offset + len(data), length - len(data))


def _refused(status: Status) -> TransferFailed:
    return failed(f"reading was refused: {excerpt(status.text) or status.code}", "refused")
