"""What a command on a channel reads: answers to what changes the user, then its own input, then the end."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runner.connection.paramiko_hooks import sending_on

if TYPE_CHECKING:
    import paramiko

    from runner.connection.become import Elevation

__all__ = ["END_OF_INPUT", "Feeding"]

END_OF_INPUT = b"\x04"
"""What a terminal takes as the end of its input, at the beginning of a line (termios(3), VEOF)."""

_PIECE = 2**15
_PIECES = 8  # then what the command prints has its turn


class Feeding:
    """The standard input of a command, given as fast as the host takes it and never waited for.

    Args:
        channel: The command's channel.
        data: What the command reads.
        elevation: What asks for a password first; None is nothing.
        terminal: Whether the command runs on a terminal.
    """

    def __init__(
        self, channel: paramiko.Channel, data: bytes, elevation: Elevation | None, *, terminal: bool
    ) -> None:
        self._channel: Any = channel
        self._left = memoryview(data)
        self._elevation = elevation
        self._terminal = terminal
        self._ended = False

    @property
    def ready(self) -> bool:
        """Whether more can be given at once."""
        waits = self._elevation is not None and not self._elevation.done
        return not self._ended and not waits and bool(self._channel.send_ready())

    def go_on(self) -> None:
        """Give what can be given now."""
        if self._ended:
            return
        # A command need not read to its end: what it leaves is nobody's loss.
        with sending_on(self._channel), suppress(OSError):
            if self._elevation is not None and not self._elevation.done:
                self._answer(self._elevation)
            else:
                self._give()

    def _answer(self, elevation: Elevation) -> None:
        answer = elevation.answer()
        if answer is not None:
            self._channel.sendall(answer)
        elif elevation.no_more:
            self._end()

    def _give(self) -> None:
        for _ in range(_PIECES):
            if not self._left or not self._channel.send_ready():
                break
            taken = self._channel.send(bytes(self._left[:_PIECE]))
            if not taken:  # the channel is closed
                self._ended = True
                return
            self._left = self._left[taken:]
        if not self._left:
            self._end()

    def _end(self) -> None:
        self._ended = True
        if self._terminal:
            self._channel.sendall(END_OF_INPUT)
        self._channel.shutdown_write()
