"""Diffie-Hellman over finite fields (RFC 4253 section 8, RFC 4419) with bounded cost.

Paramiko does the arithmetic in Python, with the interpreter lock held, so that it delays all hosts and no
deadline can interrupt it. The cost grows with the length of the secret exponent, and with the square of the
group's size.
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

# Twice the length of the longest key derived from it (RFC 4419 section 6.2), with 256 bits as the minimum
# key length, as in OpenSSH's `dh_gen_key`.
_EXPONENT_BITS = 512
_LONG_EXPONENT_BITS = 1024
_LONG_KEY = "sha2-512"


class _ShortExponent:
    """A key exchange whose secret exponent is only as long as necessary.

    Paramiko's exponent has 1024 bits with a fixed group, and as many bits as the group with a server's group.
    """

    transport: Any

    def _generate_x(self) -> None:
        macs = self.transport.local_mac + self.transport.remote_mac
        bits = _LONG_EXPONENT_BITS if _LONG_KEY in macs else _EXPONENT_BITS
        self.x = secrets.randbits(bits) | 1 << (bits - 1)


class _Bounded(_ShortExponent):
    """A key exchange over a group that the server chooses, which asks for no group larger than the limit.

    A group of 8192 bits, the maximum that Paramiko accepts, would block all hosts of this process.
    """

    max_bits = _MOST_BITS

    def parse_next(self, kind: int, message: Message) -> Any:
        """Handle the server's next packet.

        Raises:
            paramiko.SSHException: The server chose a group that is too large.
        """
        if kind == _GROUP:
            start = message.packet.tell()
            bits = message.get_mpint().bit_length()
            message.packet.seek(start)
            if bits > _MOST_BITS:
                raise paramiko.SSHException(
                    f"the server wants a group of {bits} bits; the maximum is {_MOST_BITS}"
                )
        return super().parse_next(kind, message)  # type: ignore[misc]


def affordable(engines: Mapping[str, type]) -> dict[str, type]:
    """Return the key exchange classes by name, with the finite-field ones made as cheap as is safe."""
    return {name: _affordable(name, engine) for name, engine in engines.items()}


def _affordable(name: str, engine: type) -> type:
    if not name.startswith("diffie-hellman-"):
        return engine
    made = _Bounded if "group-exchange" in name else _ShortExponent
    return type(engine.__name__, (made, engine), {})
