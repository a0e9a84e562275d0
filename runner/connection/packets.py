"""How Paramiko reads packets, without what that costs it for each host (RFC 4253 sections 6 and 11).

All of this uses public names: a transport takes a class for its packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import paramiko
from paramiko.common import MSG_DEBUG, MSG_IGNORE
from paramiko.packet import Packetizer

if TYPE_CHECKING:
    from paramiko.message import Message

__all__ = ["Packets"]

# OpenSSH's PACKET_MAX_SIZE, which is more than anything that we ask a server to send. A packet's length is
# believed before it is proven to come from the server.
_LONGEST = 2**18


class Packets(Packetizer):
    """Reads and writes the packets of one connection."""

    def start_handshake(self, timeout: float) -> None:
        """Start no timer, which would be a thread for each host: a guard watches the handshake."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read `n` bytes.

        Raises:
            paramiko.SSHException: That is more than a packet has: it would fill the memory.
        """
        if n > _LONGEST:
            raise paramiko.SSHException(f"the server announced a packet of {n} bytes")
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, Message]:
        """Read one packet; what is for debugging only comes as one to ignore.

        OpenSSH sends some with every login, which Paramiko would make printable character by character.
        Strict key exchange forbids both kinds alike, so that they are refused where they are a danger.
        """
        kind, message = super().read_message()
        return (MSG_IGNORE if kind == MSG_DEBUG else kind), message
