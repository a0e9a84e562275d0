"""ICMP echo messages as bytes: RFC 792 for IPv4, RFC 4443 section 4 for IPv6.

The payload of a request is a random token of its host, which the reply brings back. A reply is matched by
that token and not by its source address, because network address translation, anycast and hosts with several
addresses may answer from another one. A host cannot forge another's reply either: it never sees its token.
"""

from __future__ import annotations

import secrets
import socket
import struct

__all__ = [
    "ECHO",
    "REQUEST_TYPE",
    "TOKEN_BYTES",
    "Echo",
    "checksummed",
    "fresh_tokens",
    "header_bytes",
    "parse_echo",
]

TOKEN_BYTES = 8

REQUEST_TYPE: dict[int, int] = {socket.AF_INET: 8, socket.AF_INET6: 128}
REPLY_TYPE: dict[int, int] = {socket.AF_INET: 0, socket.AF_INET6: 129}
ECHO = struct.Struct(f"!BxHHH{TOKEN_BYTES}s")
"""A whole echo message: type, checksum, identifier, sequence number and token."""
_ECHO_HEADER = struct.Struct("!BxHHH")
_IPV4_VERSION = 4

Echo = tuple[int, int, int, bytes]
"""Type, identifier, sequence number and token of an echo message; the token may have been cut off."""


def fresh_tokens(count: int) -> list[bytes]:
    """Return `count` random tokens."""
    random = secrets.token_bytes(count * TOKEN_BYTES)
    return [random[start : start + TOKEN_BYTES] for start in range(0, len(random), TOKEN_BYTES)]


def checksummed(packet: bytes) -> bytes:
    """Fill in the checksum of a message (RFC 1071), as a raw IPv4 socket needs it.

    The kernel does this for datagram sockets, and for raw IPv6 sockets too, since the checksum there covers
    the IP header (RFC 3542 section 3.1).
    """
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return packet[:2] + checksum.to_bytes(2, "big") + packet[4:]


def header_bytes(datagram: bytes) -> int:
    """Return the length of the IPv4 header before an ICMP message, or 0 if there is none.

    Raw sockets deliver the header, and macOS always does. The version field identifies it, since no ICMP echo
    message has a type from 64 to 79.
    """
    return (datagram[0] & 0xF) * 4 if datagram and datagram[0] >> 4 == _IPV4_VERSION else 0


def parse_echo(datagram: bytes) -> Echo | None:
    """Parse an echo message, with or without an IPv4 header; return None if it is too short."""
    start = header_bytes(datagram)
    if len(datagram) < start + _ECHO_HEADER.size:
        return None
    kind, _, identifier, sequence = _ECHO_HEADER.unpack_from(datagram, start)
    token = start + _ECHO_HEADER.size
    return kind, identifier, sequence, datagram[token : token + TOKEN_BYTES]
