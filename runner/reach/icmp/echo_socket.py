"""An ICMP echo socket for one address family, and a check whether this user may open one.

A datagram socket is tried first: Linux permits it to the groups in `net.ipv4.ping_group_range`, macOS to
all users, and the kernel filters out other programs' ICMP. A raw socket, which needs root or
`CAP_NET_RAW`, is tried second.
"""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import struct
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from runner.errors import PermissionMissing
from runner.reach.icmp import errqueue, linux
from runner.reach.icmp.packet import (
    ECHO,
    REPLY_TYPE,
    REQUEST_TYPE,
    TOKEN_BYTES,
    checksummed,
    header_bytes,
    parse_echo,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.reach.icmp.mmsg import Inbox

__all__ = ["EchoSocket", "Reply", "icmp_permitted"]

Reply = tuple[bytes, int]
"""The token of a reply, and the time of its arrival in nanoseconds of `time.time_ns`."""

_BUFFER_BYTES = 8 * 1024 * 1024
_DATAGRAM_BYTES = 60 + 8 + TOKEN_BYTES
_ANCILLARY_BYTES = 64
_AT_ONCE = 64
"""Replies read in one system call: about as many as arrive between two reads of a socket."""
_TIMESPEC = struct.Struct("@ll")
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_STALE_ERRORS = 2
_MOST_AT_ONCE = 65_536
"""Most reads in a row: more than a receive buffer holds, but a bound if packets keep arriving."""
_NANOSECONDS = 1_000_000_000


class EchoSocket:
    """A non-blocking socket that sends echo requests to addresses of one family and collects the replies.

    Args:
        family: `AF_INET` or `AF_INET6`.

    Attributes:
        raw: Whether it is a raw socket rather than a datagram socket.

    Raises:
        PermissionMissing: This user may open neither kind of socket.
        OSError: This machine does not support the address family.
    """

    def __init__(self, family: int) -> None:
        self._family = socket.AddressFamily(family)
        self._socket, self.raw = _open(self._family)
        self._request_type, self._reply_type = REQUEST_TYPE[family], REPLY_TYPE[family]
        self._identifier = secrets.randbits(16) if self.raw else 0  # for datagram sockets the kernel sets it
        self._checksum = self.raw and family == socket.AF_INET
        self._refused: deque[errqueue.Refused] = deque()
        self._socket.setblocking(False)
        self._enlarge_buffers()
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, linux.SO_TIMESTAMPNS, 1)
            errqueue.keep_errors(self._socket, keep=True)
            if self.raw:
                self._only_replies()
        self._inbox = None if self.raw else _inbox(self._socket)

    def fileno(self) -> int:
        """Return the file descriptor, for a selector."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, sequence: int, token: bytes, address: tuple[Any, ...]) -> None:
        """Send one echo request.

        The kernel reports the refusal of an earlier packet at the next call, whatever its destination. So an
        error counts for this packet only if it persists after the error queue has been read.

        Raises:
            BlockingIOError: The send buffer is full; the packet was not sent.
            OSError: The kernel refused to send the packet.
        """
        packet = ECHO.pack(self._request_type, 0, self._identifier, sequence, token)
        if self._checksum:
            packet = checksummed(packet)
        for _ in range(_STALE_ERRORS):
            try:
                self._socket.sendto(packet, address)
            except BlockingIOError:
                raise
            except OSError:
                self._refused.extend(errqueue.refusals(self._socket))
            else:
                return
        self._socket.sendto(packet, address)

    def replies(self) -> Iterator[Reply]:
        """Yield every reply that has arrived."""
        for _ in range(_MOST_AT_ONCE):
            try:
                yield from self._next() if self._inbox is None else self._inbox.receive()
            except BlockingIOError:
                return
            except OSError as exc:  # an error of one packet; its details are in the error queue
                if exc.errno in _BROKEN:
                    raise

    def _next(self) -> Iterator[Reply]:
        """Read the next datagram; yield it if it is a reply to one of our requests."""
        datagram, ancillary, _, _ = self._socket.recvmsg(_DATAGRAM_BYTES, _ANCILLARY_BYTES)
        start = header_bytes(datagram)
        if len(datagram) - start < ECHO.size:
            return
        kind, _, identifier, _, token = ECHO.unpack_from(datagram, start)
        if kind == self._reply_type and (identifier == self._identifier or not self.raw):
            yield token, _arrival(ancillary)

    def refusals(self) -> Iterator[tuple[errqueue.Refused, bytes]]:
        """Yield refused requests, each with its token as far as the ICMP error quotes it."""
        self._refused.extend(errqueue.refusals(self._socket))
        while self._refused:
            refused = self._refused.popleft()
            echo = parse_echo(refused.quoted)
            if echo and (echo[1] == self._identifier or not self.raw):
                yield refused, echo[3]

    def dropped(self) -> int:
        """Return how many datagrams this machine dropped because we did not read them in time."""
        if sys.platform != "linux":
            return 0
        size = 4 * (linux.SK_MEMINFO_DROPS + 1)
        try:
            numbers = self._socket.getsockopt(socket.SOL_SOCKET, linux.SO_MEMINFO, size)
        except OSError:
            return 0
        return int.from_bytes(numbers[size - 4 : size], sys.byteorder)

    def _enlarge_buffers(self) -> None:
        """Enlarge the buffers for a whole fleet's replies: each takes about 830 bytes of kernel memory."""
        if sys.platform == "linux":
            with contextlib.suppress(PermissionError):
                self._socket.setsockopt(socket.SOL_SOCKET, linux.SO_RCVBUFFORCE, _BUFFER_BYTES)
                self._socket.setsockopt(socket.SOL_SOCKET, linux.SO_SNDBUFFORCE, _BUFFER_BYTES)
                return
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)

    def _only_replies(self) -> None:
        """Filter a raw socket, which receives all ICMP messages, down to echo replies."""
        if self._family == socket.AF_INET6:
            blocked = bytearray(b"\xff" * 32)
            word = self._reply_type // 32 * 4
            allowed = ~(1 << self._reply_type % 32) & 0xFFFFFFFF
            blocked[word : word + 4] = allowed.to_bytes(4, sys.byteorder)
            self._socket.setsockopt(socket.IPPROTO_ICMPV6, linux.ICMP_FILTER, bytes(blocked))
        else:
            blocked_types = (~(1 << self._reply_type) & 0xFFFFFFFF).to_bytes(4, sys.byteorder)
            self._socket.setsockopt(linux.SOL_RAW, linux.ICMP_FILTER, blocked_types)


_BROKEN = frozenset({errno.EBADF, errno.ENOTSOCK, errno.ENOMEM})


def _open(family: socket.AddressFamily) -> tuple[socket.socket, bool]:
    """Open a datagram socket, or else a raw one; return it, and whether it is raw."""
    protocol = _PROTOCOL[family]
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except OSError as exc:
        if exc.errno == errno.EAFNOSUPPORT:
            raise
    try:
        return socket.socket(family, socket.SOCK_RAW, protocol), True
    except PermissionError as exc:
        raise PermissionMissing(_how_to_permit()) from exc


def _inbox(sock: socket.socket) -> Inbox | None:
    """Return a reader that fetches many replies in one call, or None if the system has no such call.

    It fits Linux datagram sockets: they receive echo replies only, without an IP header.
    """
    if sys.platform != "linux":
        return None
    try:
        from runner.reach.icmp.mmsg import Inbox  # noqa: PLC0415 - a Python may have been built without ctypes

        inbox = Inbox(sock, _AT_ONCE, skipped=ECHO.size - TOKEN_BYTES, kept=TOKEN_BYTES)
        with contextlib.suppress(BlockingIOError):  # only a test: no request has been sent yet
            list(inbox.receive())
    except (ImportError, AttributeError, OSError):  # a sandbox may forbid this system call
        return None
    return inbox


def _how_to_permit() -> str:
    """Return one line that says why ICMP echo is not permitted, and how to permit it."""
    start = "this user may not send ICMP echo"
    if sys.platform == "linux":
        return f"{start}; root permits it with: sysctl -w net.ipv4.ping_group_range='0 2147483647'"
    return f"{start}; this system permits it to root only"


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the kernel's time stamp of a datagram, or the present time if there is none."""
    for level, kind, content in ancillary:
        if kind == linux.SO_TIMESTAMPNS and level == socket.SOL_SOCKET and len(content) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(content)
            arrived: int = seconds * _NANOSECONDS + nanoseconds
            return arrived
    return time.time_ns()


def icmp_permitted() -> str | None:
    """Return why this user may not send ICMP echo and how to permit it, in one line; None if permitted."""
    try:
        EchoSocket(socket.AF_INET).close()
    except PermissionMissing as exc:
        return str(exc)
    except OSError as exc:
        return f"this machine cannot send ICMP echo: {exc.strerror}"
    return None
