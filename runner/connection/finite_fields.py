"""Diffie-Hellman over a group of the server's choice (RFC 4419), of which we choose how large it may be.

What an exchange costs grows with the cube of the group's size, is paid under the interpreter's lock, and no
deadline cuts it off: a server with a group of 8192 bits, the most that Paramiko takes, keeps everybody in
this process waiting for four seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paramiko.message import Message

__all__ = ["bounded"]

_GROUP = 31  # SSH_MSG_KEX_DH_GEX_GROUP
_MOST_BITS = 4096


class _Bounded:
    """An exchange that asks for no larger group, and takes none."""

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


def bounded(engines: Mapping[str, type]) -> dict[str, type]:
    """Return the key exchanges by their names, with those over the server's groups bounded."""
    return {
        name: type(engine.__name__, (_Bounded, engine), {}) if "group-exchange" in name else engine
        for name, engine in engines.items()
    }
