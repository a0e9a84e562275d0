"""Diffie-Hellman over finite fields (RFC 4253 section 8, RFC 4419), as what it costs is paid by everybody.

Paramiko does the arithmetic in Python, under the interpreter's lock, and no deadline cuts it off. What it
costs grows with the length of the secret exponent, and with the square of the group's size.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import paramiko

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paramiko.message import Message

__all__ = ["affordable"]

_GROUP = 31  # SSH_MSG_KEX_DH_GEX_GROUP
_MOST_BITS = 4096

# Twice as long as the longest key that is made of it (RFC 4419 section 6.2), 256 bits being the least that is
# reckoned with, as in OpenSSH's `dh_gen_key`.
_EXPONENT_BITS = 512
_LONG_EXPONENT_BITS = 1024
_LONG_KEY = "sha2-512"


class _ShortExponent:
    """An exchange whose secret exponent is as long as it has to be.

    Paramiko's has 1024 bits with a group of its own, and as many as the group with a server's.
    """

    transport: Any

    def _generate_x(self) -> None:
        macs = self.transport.local_mac + self.transport.remote_mac
        bits = _LONG_EXPONENT_BITS if _LONG_KEY in macs else _EXPONENT_BITS
        self.x = secrets.randbits(bits) | 1 << (bits - 1)


class _Bounded(_ShortExponent):
    """One over a group of the server's choice, that asks for no larger group than it takes.

    A group of 8192 bits, the most that Paramiko takes, would keep everybody in this process waiting.
    """

    max_bits = _MOST_BITS

    def parse_next(self, kind: int, message: Message) -> Any:
        """Take the server's next packet.

        Raises:
            paramiko.SSHException: It brings a group that is too large.
        """
        if kind == _GROUP:
            start = message.packet.tell()
            bits = message.get_mpint().bit_length()
            message.packet.seek(start)
            if bits > _MOST_BITS:
                raise paramiko.SSHException(
                    f"the server wants a group of {bits} bits, where {_MOST_BITS} is the most"
                )
        return super().parse_next(kind, message)  # type: ignore[misc]


def affordable(engines: Mapping[str, type]) -> dict[str, type]:
    """Return the key exchanges by their names, with those over finite fields as cheap as they may be."""
    return {name: _affordable(name, engine) for name, engine in engines.items()}


def _affordable(name: str, engine: type) -> type:
    if not name.startswith("diffie-hellman-"):
        return engine
    made = _Bounded if "group-exchange" in name else _ShortExponent
    return type(engine.__name__, (made, engine), {})
