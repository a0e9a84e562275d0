"""The protocol to open a session for a command on an `ssh` that shares its connection (PROTOCOL.mux).

The master receives the pipes of the command, and reports when its channel is open and with which status it
ended. The exit code of a second `ssh` would be ambiguous: 255 may be the command's or that of `ssh`.
"""

from __future__ import annotations

import array
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Asked", "Mux", "Said"]

_VERSION = 4
_HELLO = 0x00000001
_NEW_SESSION = 0x10000002
_DENIED, _FAILURE = 0x80000002, 0x80000003
_EXIT, _OPENED, _NO_TERMINAL = 0x80000004, 0x80000006, 0x80000008
_NO_ESCAPE = 0xFFFFFFFF
_LONGEST = 2**18


@dataclass(frozen=True, slots=True)
class Asked:
    """The request for a session.

    Attributes:
        command: The command; the name of a subsystem if `subsystem` is set.
        terminal: The terminal type; None means no terminal. The size is that of the terminal which is passed
            as standard input.
        subsystem: Whether a subsystem is requested.
    """

    command: str
    terminal: str | None = None
    subsystem: bool = False


@dataclass(slots=True)
class Said:
    """The master's reports about a session.

    Attributes:
        opened: Whether the server has opened a channel, on which the command has been sent.
        refused: Why no session was opened, if it was refused.
        exit_status: The exit status of the command, as an unsigned number.
        no_terminal: Whether the server refused the terminal.
    """

    opened: bool = False
    refused: str | None = None
    exit_status: int | None = None
    no_terminal: bool = False


class Mux:
    """One session over a shared connection.

    Args:
        path: The master's socket.

    Attributes:
        said: The master's reports so far.

    Raises:
        OSError: No master listens there.
    """

    def __init__(self, path: str) -> None:
        self.said = Said()
        self._heard = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(path)
            self._send(struct.pack(">II", _HELLO, _VERSION))
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the file descriptor to read the master's messages from."""
        return self._socket.fileno()

    def ask(self, asked: Asked, pipes: Sequence[int]) -> None:
        """Ask for a session.

        Args:
            asked: The session.
            pipes: The pipes for its input, output and errors; the caller may close them afterwards.

        Raises:
            OSError: The master is gone.
        """
        flags = (asked.terminal is not None, False, False, asked.subsystem)
        numbers = struct.pack(">IIIII", *(int(flag) for flag in flags), _NO_ESCAPE)
        head = struct.pack(">II", _NEW_SESSION, 0)
        texts = _text(asked.terminal or "dumb"), _text(asked.command)
        self._send(head + _text("") + numbers + b"".join(texts))
        for pipe in pipes:
            rights = array.array("i", [pipe])
            self._socket.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])

    def take(self, data: bytes) -> None:
        """Read messages of the master."""
        self._heard += data
        for kind, body in self._messages():
            self._note(kind, body)

    def close(self) -> None:
        """Leave the session: the master closes its channel."""
        self._socket.close()

    def _send(self, message: bytes) -> None:
        self._socket.sendall(struct.pack(">I", len(message)) + message)

    def _messages(self) -> Iterator[tuple[int, bytes]]:
        while len(self._heard) >= 8:  # noqa: PLR2004 - a length and a kind
            length, kind = struct.unpack_from(">II", self._heard)
            if length > _LONGEST:
                raise ConnectionError("the peer is not an ssh master")
            if len(self._heard) < 4 + length:
                return
            yield kind, self._heard[8 : 4 + length]
            self._heard = self._heard[4 + length :]

    def _note(self, kind: int, body: bytes) -> None:
        if kind == _OPENED:
            self.said.opened = True
        elif kind in (_FAILURE, _DENIED):
            self.said.refused = body[8:].decode("utf-8", "replace")
        elif kind == _NO_TERMINAL:
            self.said.no_terminal = True
        elif kind == _EXIT and self.said.exit_status is None:  # if there are several, use the first
            (self.said.exit_status,) = struct.unpack_from(">I", body, 4)


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack(">I", len(data)) + data
