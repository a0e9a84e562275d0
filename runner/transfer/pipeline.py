"""One file's content to or from an SFTP server, with enough requests under way to fill the line."""

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
"""Bytes asked for, or sent and not yet acknowledged: as many as OpenSSH's `sftp` (64 times 32 KB)."""

_PLACE = struct.Struct(">QI")
_OFFSET = struct.Struct(">Q")


def write(talk: Conversation, handle: bytes, content: Iterable[bytes], piece: int) -> Status | None:
    """Write a content to an open file from its beginning.

    Args:
        talk: The conversation with the server.
        handle: The open file.
        content: The bytes, in parts of any size.
        piece: Bytes that the server takes in one request.

    Returns:
        What the server said where it refused a part; None where it took all.
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
    """Take one answer; return it where it is a refusal."""
    number, kind, reader = talk.answer()
    if number not in under_way or kind != Message.STATUS:
        raise bad_reply("the SFTP server answers what was not asked")
    under_way.remove(number)
    status = reader.status()
    return None if status.code == Code.OK else status


def pieces(content: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut a content into pieces of a size; the last one may be smaller, none is empty."""
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
    """Return the content of an open file, up to its end, wherever that turns out to be.

    Args:
        talk: The conversation with the server, in a `working` context.
        handle: The open file.
        size: What its size was told to be: how far ahead may be asked.
        piece: Bytes that the server gives for one request.

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
    """Requests for one file's content, whose answers may come in any order and be shorter than asked."""

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
        """Whether the end of the file was seen, and nothing is under way any more."""
        return self._end is not None and not self.under_way

    def ask(self) -> None:
        """Ask for as much as may be under way; beyond the size that was told, for one piece at a time."""
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
        """Take one answer, and return what it completes."""
        number, kind, reader = self._talk.answer()
        if number not in self.under_way:
            raise bad_reply("the SFTP server answers what was not asked")
        offset, length = self.under_way.pop(number)
        if kind == Message.DATA:
            self._keep(offset, length, bytes(reader.data()))
        elif kind == Message.STATUS and (status := reader.status()).code == Code.EOF:
            self._end = offset if self._end is None else min(self._end, offset)
        elif kind == Message.STATUS:
            raise _refused(status)
        else:
            raise bad_reply("the SFTP server answers a request to read with something else")
        while self._given in self._early:
            data = self._early.pop(self._given)
            self._given += len(data)
            yield data
        if self.ended() and self._early:
            raise failed("the file became shorter while it was read", "changed")

    def _keep(self, offset: int, length: int, data: bytes) -> None:
        if not 0 < len(data) <= length:
            raise bad_reply(f"the SFTP server gives {len(data)} bytes where {length} were asked for")
        self._early[offset] = data
        if len(data) < length:
            self._post(offset + len(data), length - len(data))


def _refused(status: Status) -> TransferFailed:
    return failed(f"reading was refused: {excerpt(status.text) or status.code}", "refused")
