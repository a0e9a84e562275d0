"""ICMP echo messages as bytes: RFC 792 for IPv4, RFC 4443 section 4 for IPv6.

The payload of a request is a random token of its host, which the reply brings back. A reply is matched by
that token and not by its source, because network address translation, anycast and hosts with several
addresses answer from elsewhere; nor can one host forge another's reply, as it never sees the other's token.
"""

from __future__ import annotations

import socket
import struct

__all__ = ["TOKEN_BYTES", "Echo", "echo_request", "parse_echo"]

TOKEN_BYTES = 8

_REQUEST_TYPE: dict[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
_ECHO = struct.Struct(f"!BxHHH{TOKEN_BYTES}s")
_ECHO_HEADER = struct.Struct("!BxHHH")
_IPV4_VERSION = 4

Echo = tuple[int, int, int, bytes]
"""Type, identifier, sequence number and token of an echo message; the token may have been cut off."""


def echo_request(family: int, identifier: int, sequence: int, token: bytes, *, checksum: bool) -> bytes:
    """Build an echo request.

    Args:
        family: `AF_INET` or `AF_INET6`.
        identifier: The identifier; the kernel puts in its own where the socket is a datagram one.
        sequence: The sequence number.
        token: The payload.
        checksum: Whether to fill the checksum in, as a raw IPv4 socket needs it. Datagram sockets do it
            themselves, and so do raw IPv6 sockets, since it covers the IP header too (RFC 3542 section 3.1).
    """
    kind = _REQUEST_TYPE[family]
    packet = _ECHO.pack(kind, 0, identifier, sequence, token)
    return _ECHO.pack(kind, _checksum(packet), identifier, sequence, token) if checksum else packet


def _checksum(packet: bytes) -> int:
    """Compute the Internet checksum of RFC 1071 over an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def parse_echo(datagram: bytes) -> Echo | None:
    """Read an echo message; None where the bytes are too short for one.

    An IPv4 header before it is skipped: raw sockets deliver one, as do the datagram sockets of macOS. It is
    told by its version, since no ICMP echo message has a type from 64 to 79.
    """
    start = (datagram[0] & 0xF) * 4 if datagram and datagram[0] >> 4 == _IPV4_VERSION else 0
    if len(datagram) < start + _ECHO_HEADER.size:
        return None
    kind, _, identifier, sequence = _ECHO_HEADER.unpack_from(datagram, start)
    token = start + _ECHO_HEADER.size
    return kind, identifier, sequence, datagram[token : token + TOKEN_BYTES]
