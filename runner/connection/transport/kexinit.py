"""Read a server's algorithm offer from the raw bytes (RFC 4253 sections 4.2, 6 and 7.1).

If no algorithm is in common, Paramiko does not say what the server offers, which is what the operator needs
to fix it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["Offer", "read_offer"]

_MSG_KEXINIT = 20
_COOKIE = 16


@dataclass(frozen=True, slots=True)
class Offer:
    """The algorithms in a server's first key exchange message, best first."""

    key_exchange: tuple[str, ...]
    host_key: tuple[str, ...]
    cipher: tuple[str, ...]
    mac: tuple[str, ...]


def read_offer(heard: bytes) -> Offer | None:
    """Return the offer in the first bytes that a server sent; None if it is missing or incomplete."""
    start = 0 if heard.startswith(b"SSH-") else heard.find(b"\nSSH-") + 1
    end_of_banner = heard.find(b"\n", start)
    if not heard.startswith(b"SSH-", start) or end_of_banner < 0:
        return None
    try:
        return _parse(heard[end_of_banner + 1 :])
    except (struct.error, IndexError, UnicodeDecodeError):
        return None


def _parse(data: bytes) -> Offer | None:
    length, padding, kind = struct.unpack_from(">IBB", data)
    payload = data[5 : 4 + length - padding]
    if kind != _MSG_KEXINIT or len(data) < 4 + length:
        return None
    lists: list[tuple[str, ...]] = []
    place = 1 + _COOKIE
    for _ in range(8):
        (size,) = struct.unpack_from(">I", payload, place)
        lists.append(tuple(payload[place + 4 : place + 4 + size].decode("ascii").split(",")))
        place += 4 + size
    # Ciphers, MACs and compressions come in pairs, client to server first; we want server to client.
    return Offer(key_exchange=lists[0], host_key=lists[1], cipher=lists[3], mac=lists[5])
