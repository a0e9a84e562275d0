"""Encode and decode SFTP version 3 (draft-ietf-secsh-filexfer-02); decoding trusts nothing from the server.

Paramiko's SFTP client is not used. It ignores the status of pipelined writes and of closing a file, so that
a full disk looks like success; it accepts packets of any length; it lists a folder without end; and it
requests 32 KB at a time although servers offer 255 KB.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from enum import IntEnum

from runner.transfer.entries import Entry, Kind
from runner.transfer.errors import bad_reply

__all__ = ["Code", "Message", "Open", "Reader", "Status", "attributes", "string"]

_UINT32 = struct.Struct(">I")
_UINT64 = struct.Struct(">Q")

_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 1, 2, 4, 8, 0x80000000


class Message(IntEnum):
    """Types of packets (section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    REALPATH = 16
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """Codes of a status (section 7)."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8


class Open(IntEnum):
    """Flags for opening a file (section 6.3)."""

    READ = 1
    WRITE = 2
    CREATE = 8
    EXCLUSIVE = 32


@dataclass(frozen=True, slots=True)
class Status:
    """A server's status for a request; `code` may be one that `Code` does not list."""

    code: int
    text: str = ""


class Reader:
    """Reads the fields of one packet in order; each method raises `BadReply` if the packet is too short."""

    __slots__ = ("_at", "_packet")

    def __init__(self, packet: memoryview) -> None:
        self._packet = packet
        self._at = 0

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        end = self._at + count
        if end > len(self._packet):
            raise bad_reply("the SFTP server sent a packet that is cut short")
        piece = self._packet[self._at : end]
        self._at = end
        return piece

    def left(self) -> int:
        """Return how many bytes are left."""
        return len(self._packet) - self._at

    def uint32(self) -> int:
        """Return the next 32-bit number."""
        return int(_UINT32.unpack(self.take(4))[0])

    def uint64(self) -> int:
        """Return the next 64-bit number."""
        return int(_UINT64.unpack(self.take(8))[0])

    def string(self) -> bytes:
        """Return the next string."""
        return bytes(self.take(self.uint32()))

    def data(self) -> memoryview:
        """Return the next string without copying it."""
        return self.take(self.uint32())

    def entry(self) -> Entry:
        """Return the next attributes (section 5)."""
        flags = self.uint32()
        size = self.uint64() if flags & _HAS_SIZE else 0
        owner = (self.uint32(), self.uint32()) if flags & _HAS_OWNER else None
        mode = self.uint32() if flags & _HAS_MODE else None
        mtime = (self.uint32(), self.uint32())[1] if flags & _HAS_TIMES else None
        for _ in range(self.uint32() if flags & _HAS_MORE else 0):
            self.data()
            self.data()
        return Entry(Kind.of(mode), size, None if mode is None else stat.S_IMODE(mode), mtime, owner)

    def status(self) -> Status:
        """Return the packet's status; older servers may omit the text."""
        code = self.uint32()
        return Status(code, self.string().decode("utf-8", "backslashreplace") if self.left() else "")


def string(data: bytes) -> bytes:
    """Encode a string."""
    return _UINT32.pack(len(data)) + data


def attributes(
    mode: int | None = None, mtime: int | None = None, owner: tuple[int, int] | None = None
) -> bytes:
    """Encode the attributes that are given."""
    flags, fields = 0, b""
    if owner is not None:
        flags, fields = flags | _HAS_OWNER, fields + struct.pack(">II", *owner)
    if mode is not None:
        flags, fields = flags | _HAS_MODE, fields + _UINT32.pack(mode)
    if mtime is not None:
        flags, fields = flags | _HAS_TIMES, fields + struct.pack(">II", mtime, mtime)
    return _UINT32.pack(flags) + fields
