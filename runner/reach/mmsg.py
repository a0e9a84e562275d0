"""Many datagrams out of one call of the kernel: recvmmsg(2) of Linux, which Python has no name for.

A call for each of ten thousand replies, and its tuples and bytes, take longer than all that is decided about
them. Here they are read out of one piece of memory. The sibling for sending, sendmmsg(2), would make each
round-trip time a guess, as nobody knows when in the course of it a packet left: on a busy machine, one in a
hundred was wrong by milliseconds.
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
"""`struct iovec`: where the data goes, and how much."""
_STAMP = struct.Struct("@Nii2l")
"""A control message with the `struct timespec` of `SO_TIMESTAMPNS`."""
_NANOSECONDS = 1_000_000_000


class Inbox:
    """Receives what comes to a non-blocking datagram socket.

    Args:
        sock: The socket, with `SO_TIMESTAMPNS` set and no other control messages asked for.
        most: How many messages are taken in one call.
        skipped: Bytes at the beginning of each that are of no interest.
        kept: Bytes after them; where there are fewer, they are filled up with zeros, and more are cut off.

    Raises:
        AttributeError: The C library has no such call.
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
        # A view of memory keeps it, so that each of them has to stay.
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
        """Yield messages that have come, each with the time of its arrival in nanoseconds of `time.time_ns`.

        Raises:
            BlockingIOError: There is none.
            OSError: The kernel reports that an earlier packet was refused.
        """
        # What was there before must not be taken for what comes.
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
