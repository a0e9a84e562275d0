"""The common part of processes whose input and output are local pipes."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from runner.connection.command.process import END_OF_INPUT

if TYPE_CHECKING:
    from runner.connection.command.pump import Pump

__all__ = ["PipeProcess"]

_MOST = 2**18
"""Maximum number of bytes to read ahead of a stream: the rest waits in the pipe, or in the process."""


class PipeProcess:
    """The half of `Process` that reads and writes; a subclass adds the process itself.

    Args:
        pump: Serves the pipes.
    """

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._input = -1
        self._streams: tuple[int, ...] = ()
        self._heard = bytearray(), bytearray()
        self._full: set[int] = set()
        self._left = b""
        self._pending = False
        self._closing = False
        self._on_terminal = False

    def attach(self, stdin: int, stdout: int, stderr: int, *, terminal: bool = False) -> None:
        """Take over the pipes: serve them from now on, and close them in `close`.

        Args:
            stdin: The pipe to write to; -1 is none. It may be a terminal.
            stdout: The pipe to read standard output from.
            stderr: The pipe to read standard error from.
            terminal: Whether the process reads its input from a terminal.
        """
        self._input, self._streams, self._on_terminal = stdin, (stdout, stderr), terminal
        for stream in (0, 1):
            self._pump.read(self._streams[stream], partial(self._take, stream))

    def _take(self, stream: int, data: bytes) -> None:
        self._heard[stream].extend(data)
        if len(self._heard[stream]) >= _MOST:
            self._pump.forget(self._streams[stream])
            self._full.add(stream)

    @property
    def output_open(self) -> bool:
        """See `Process`."""
        return self._open(0)

    @property
    def errors_open(self) -> bool:
        """See `Process`."""
        return self._open(1)

    def _open(self, stream: int) -> bool:
        return stream in self._full or (bool(self._streams) and self._pump.reads(self._streams[stream]))

    @property
    def pending(self) -> bool:
        """See `Process`."""
        return self._pending

    def read(self) -> tuple[bytes, bytes]:
        """See `Process`."""
        out, err = (bytes(heard) for heard in self._heard)
        for heard in self._heard:
            heard.clear()
        while self._full:
            stream = self._full.pop()
            self._pump.read(self._streams[stream], partial(self._take, stream))
        return out, err

    def write(self, data: bytes) -> None:
        """See `Process`."""
        self._left += data
        if self._input >= 0 and self._left and not self._pending:
            self._pending, data, self._left = True, self._left, b""
            self._pump.write(self._input, data, self._written)

    def _written(self) -> None:
        self._pending = False
        if self._left:
            self.write(b"")
        elif self._closing and not self._on_terminal:  # closing a terminal would send a hangup
            self._close_input()

    def close_input(self) -> None:
        """See `Process`."""
        self._closing = True
        self.write(END_OF_INPUT if self._on_terminal else b"")
        if not self._pending:
            self._written()

    def _close_input(self) -> None:
        descriptor, self._input = self._input, -1
        if descriptor >= 0:
            os.close(descriptor)

    def wait(self, seconds: float | None) -> None:
        """See `Process`."""
        self._pump.wait(seconds)

    def wake(self) -> None:
        """See `Process`."""
        self._pump.wake()

    def close(self) -> None:
        """Close the pipes."""
        descriptors = (*self._streams, self._input)
        self._streams, self._input = (), -1
        for descriptor in descriptors:
            if descriptor >= 0:
                self._pump.forget(descriptor)
                with suppress(OSError):
                    os.close(descriptor)
