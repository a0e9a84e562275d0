"""Read packets like Paramiko, but cheaper for each host (RFC 4253 sections 6 and 11).

All of this uses public names: a transport takes a class for its packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import (
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_DEBUG,
    MSG_EXT_INFO,
    MSG_IGNORE,
    MSG_USERAUTH_INFO_REQUEST,
)
from paramiko.message import Message
from paramiko.packet import Packetizer

if TYPE_CHECKING:
    from runner.connection.transport.dial import PeerSocket

__all__ = ["Packets"]

# OpenSSH's PACKET_MAX_SIZE, which is more than any packet that we ask a server to send. A packet's length is
# used before the MAC proves that it comes from the server.
_LONGEST = 2**18
_LENGTH = 4
# With its length field and a cipher block of 16 bytes, no packet is shorter (RFC 4253 section 6).
_SHORTEST = 12

# Packets with a list: how many strings precede the number of items, and the minimum bytes of each item.
_COUNTED = {MSG_EXT_INFO: (0, 8), MSG_USERAUTH_INFO_REQUEST: (3, 5)}

_IN_WORDS = (MSG_USERAUTH_INFO_REQUEST, MSG_CHANNEL_OPEN_FAILURE)


class _Worded(Message):
    """A packet with text for people, in any encoding: some devices ask `Contraseña:` in their own.

    RFC 4251 section 5 demands UTF-8; Paramiko ends the connection at the first byte that is not UTF-8.
    """

    def get_text(self) -> str:
        return self.get_string().decode("utf-8", "replace")


class Packets(Packetizer):
    """Reads and writes the packets of one connection."""

    def __init__(self, socket: PeerSocket) -> None:
        super().__init__(socket)  # type: ignore[arg-type]
        self._socket = socket
        self._open_length = False

    def set_inbound_cipher(self, *arguments: Any, **options: Any) -> None:
        """Set how incoming packets are encrypted from now on; see `tells_ready`."""
        self._open_length = bool(options.get("aead") or options.get("etm"))
        super().set_inbound_cipher(*arguments, **options)

    @property
    def tells_ready(self) -> bool:
        """Whether we can tell that a whole packet has come: the cipher does not encrypt the length."""
        return self._open_length and self._socket.waits

    def ready(self, seconds: float) -> bool:
        """Return whether a whole packet arrives within so many seconds, so that reading it does not block.

        A connection that has ended counts as ready: reading reports the end.

        Raises:
            paramiko.SSHException: The bytes that arrived cannot be a packet.
        """
        socket = self._socket
        missing = self._missing(socket.ahead)
        if missing and seconds > 0:
            socket.fill(missing, seconds)
            missing = self._missing(socket.ahead)
        return not missing or socket.at_end

    def _missing(self, ahead: bytes) -> int:
        """Return how many more bytes complete the packet, as far as is known."""
        if len(ahead) < _LENGTH:
            return _LENGTH - len(ahead)
        length = int.from_bytes(ahead[:_LENGTH], "big")
        if not _SHORTEST <= length <= _LONGEST:
            raise _no_packet(length)
        return max(0, _LENGTH + length + self.get_mac_size_in() - len(ahead))

    def start_handshake(self, timeout: float) -> None:
        """Start no timer: Paramiko's would be a thread for each host. A `Guard` watches the handshake."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read `n` bytes.

        Raises:
            paramiko.SSHException: No packet is that long; reading it would fill the memory.
        """
        if not 0 <= n <= _LONGEST:
            raise _no_packet(n)
        ahead = self._socket.ahead
        if self._open_length and len(ahead) >= n:  # Paramiko has no bytes left over from the banner by now
            self._socket.ahead = ahead[n:]
            return ahead[:n]
        return super().read_all(n, check_rekey)

    def read_message(self) -> tuple[int, Message]:
        """Read one packet; return a debug message as a packet to ignore.

        OpenSSH sends debug messages with every login, and Paramiko's handling makes them printable character
        by character. Strict key exchange forbids both kinds, so they are refused where they are a danger.
        """
        kind, message = super().read_message()
        if kind in _COUNTED:
            _check_count(message, *_COUNTED[kind])
        if kind in _IN_WORDS:
            seqno, message = message.seqno, _Worded(message.asbytes())
            message.seqno = seqno
        return (MSG_IGNORE if kind == MSG_DEBUG else kind), message


def _no_packet(length: int) -> paramiko.SSHException:
    return paramiko.SSHException(f"the server announced a packet of {length} bytes")


def _check_count(message: Message, texts: int, least: int) -> None:
    """Refuse a packet that announces more items than it holds: Paramiko would loop that many times.

    Args:
        message: The packet.
        texts: How many strings precede the number of items.
        least: Minimum number of bytes of each item.

    Raises:
        paramiko.SSHException: The packet announces too many items.
    """
    reader = Message(message.asbytes())
    for _ in range(texts):
        reader.get_binary()
    number = reader.get_int()
    if number * least > len(reader.get_remainder()):
        raise paramiko.SSHException(f"the server sent a packet that announces {number} items and holds fewer")
