"""Read a Linux socket's error queue: which packets were refused, and by whom (`IP_RECVERR` in ip(7))."""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING, NamedTuple

from runner.reach.icmp import linux
from runner.reach.reasons import Reason, from_errno, from_icmp

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Refused", "keep_errors", "refusals"]

_EXTENDED_ERROR = struct.Struct("=IBBBBII")
_IPV4_OFFENDER = slice(_EXTENDED_ERROR.size + 4, _EXTENDED_ERROR.size + 8)
_IPV6_OFFENDER = slice(_EXTENDED_ERROR.size + 8, _EXTENDED_ERROR.size + 24)
_QUOTED_BYTES = 128
_MOST_AT_ONCE = 65_536
_ANCILLARY_BYTES = 256


class Refused(NamedTuple):
    """One of our packets that was refused.

    Attributes:
        reason: What the error says about the host.
        offender: The address that sent the ICMP error; None if this machine's own kernel refused the packet.
        destination: The address that the packet was sent to.
        quoted: The beginning of the packet, as far as the ICMP error quotes it.
    """

    reason: Reason
    offender: str | None
    destination: str
    quoted: bytes


def keep_errors(sock: socket.socket, keep: bool) -> None:
    """Switch the socket's error queue on or off; do nothing on systems without one.

    With the queue on, errors that a TCP connection would otherwise survive end it (`IP_RECVERR` in ip(7)).
    Switch it off before the connection is used.
    """
    if sys.platform != "linux":
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, linux.IPV6_RECVERR, int(keep))
    else:
        sock.setsockopt(socket.IPPROTO_IP, linux.IP_RECVERR, int(keep))


def refusals(sock: socket.socket) -> Iterator[Refused]:
    """Empty the error queue, and yield each entry that says something about a host."""
    if sys.platform != "linux":
        return
    for _ in range(_MOST_AT_ONCE):
        try:
            quoted, ancillary, _, destination = sock.recvmsg(
                _QUOTED_BYTES, _ANCILLARY_BYTES, socket.MSG_ERRQUEUE
            )
        except OSError:
            return
        for level, kind, content in ancillary:
            if (level, kind) in _RECVERR and len(content) >= _EXTENDED_ERROR.size:
                refused = _read(sock.family, content)
                if refused:
                    yield Refused(*refused, destination[0] if destination else "", quoted)


_RECVERR = {(socket.IPPROTO_IP, linux.IP_RECVERR), (socket.IPPROTO_IPV6, linux.IPV6_RECVERR)}


def _read(family: int, content: bytes) -> tuple[Reason, str | None] | None:
    """Read a `struct sock_extended_err` and the offender's address behind it."""
    number, origin, kind, code, *_ = _EXTENDED_ERROR.unpack_from(content)
    if origin == linux.SO_EE_ORIGIN_LOCAL:
        reason = from_errno(number)
        return (reason, None) if reason else None
    reason = from_icmp(family, kind, code)
    return (reason, _offender(family, content)) if reason else None


def _offender(family: int, content: bytes) -> str | None:
    """Read the address that the ICMP error came from."""
    packed = content[_IPV6_OFFENDER if family == socket.AF_INET6 else _IPV4_OFFENDER]
    try:
        return socket.inet_ntop(family, packed)
    except ValueError:
        return None
