"""Receive many datagrams in one system call: Linux's recvmmsg(2), which Python does not offer.

One `recvmsg` call per reply, with its tuples and bytes, costs more time than all later work on the replies.
Its counterpart for sending, sendmmsg(2), is not used: it does not report when each packet left, so that on a
busy machine one round-trip time in a hundred was wrong by milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

__all__ = ["Inbox"]

_HEADER = struct.Struct("@PIPNPNi0PI0P")
"""`struct mmsghdr`: address, data and control, each by pointer and length; flags; bytes received."""
_VECTOR = struct.Struct("@PN")
"""`struct iovec`: address and size of the data."""
_STAMP = struct.Struct("@Nii2l")
"""A control message with the `struct timespec` of `SO_TIMESTAMPNS`."""
_NANOSECONDS = 1_000_000_000


class Inbox:
    """Receives the messages of a non-blocking datagram socket.

    Args:
        sock: The socket, with `SO_TIMESTAMPNS` set and no other control messages enabled.
        most: The number of messages received in one call, at most.
        skipped: The number of bytes to skip at the beginning of each message.
        kept: The number of bytes kept after them; shorter messages are padded with zeros, longer ones cut.

    Raises:
        AttributeError: The C library has no recvmmsg.
    """

    def __init__(self, sock: socket.socket, most: int, *, skipped: int, kept: int) -> None:
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._recvmmsg.argtypes = (
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_void_p,
        )
        self._socket = sock
        self._most = most
        self._message = struct.Struct(f"{skipped}x{kept}s")
        size = self._message.size
        memory = [
            ctypes.create_string_buffer(most * each)
            for each in (size, _STAMP.size, _VECTOR.size, _HEADER.size)
        ]
        data, stamps, vectors, self._pointer = map(ctypes.addressof, memory)
        # Each view keeps its buffer alive, so all four views have to be stored.
        self._data, self._stamps, self._vectors, self._headers = [
            memoryview(each).cast("B") for each in memory
        ]
        self._vectors[:] = b"".join([_VECTOR.pack(data + size * each, size) for each in range(most)])
        self._empty = b"".join(
            _HEADER.pack(
                0, 0, vectors + _VECTOR.size * each, 1, stamps + _STAMP.size * each, _STAMP.size, 0, 0
            )
            for each in range(most)
        )

    def receive(self) -> Iterator[tuple[bytes, int]]:
        """Yield the messages that have arrived, each with its arrival time in nanoseconds of `time.time_ns`.

        Raises:
            BlockingIOError: No message has arrived.
            OSError: The kernel reports that an earlier packet was refused.
        """
        # Clear the buffers, so that old data is not taken for new messages.
        self._headers[:] = self._empty
        self._data[:] = bytes(len(self._data))
        self._stamps[:] = bytes(len(self._stamps))
        count = self._recvmmsg(self._socket.fileno(), self._pointer, self._most, 0, None)
        if count < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        came = zip(self._message.iter_unpack(self._data), _STAMP.iter_unpack(self._stamps), strict=True)
        for (message,), (_, _, _, seconds, nanoseconds) in islice(came, count):
            yield message, seconds * _NANOSECONDS + nanoseconds if seconds else time.time_ns()
