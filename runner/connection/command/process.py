"""The protocol of a running process, which the command loop and the file streams use."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CHUNK", "END_OF_INPUT", "GOODBYE_S", "Process"]

CHUNK = 2**18
"""Maximum number of bytes in one read."""

END_OF_INPUT = b"\x04"
"""The end of input on a terminal, if it is at the beginning of a line (termios(3), VEOF)."""

GOODBYE_S = 0.4
"""Seconds to wait for the last output of a process that ends or is ended."""


class Process(Protocol):
    """A process on a host or on this machine. Only `wait`, `lost` and `close` may block."""

    @property
    def exit_status(self) -> int | None:
        """The exit status, once it is known."""

    @property
    def exit_signal(self) -> str | None:
        """The name of the signal that ended the process, once it is known."""

    @property
    def finished(self) -> bool:
        """Whether the process has ended; its children may still hold its output open."""

    @property
    def output_open(self) -> bool:
        """Whether more standard output may come after what `read` returns."""

    @property
    def errors_open(self) -> bool:
        """Whether more standard error may come after what `read` returns."""

    @property
    def pending(self) -> bool:
        """Whether input has been written that the process has not taken yet."""

    @property
    def refused(self) -> bool:
        """Whether the server refused the request, if it said so only after the request was sent."""

    def read(self) -> tuple[bytes, bytes]:
        """Return the bytes that have come on standard output and standard error."""

    def write(self, data: bytes) -> None:
        """Add input; `wait` sends it as fast as the process takes it."""

    def close_input(self) -> None:
        """End the input after what has been written."""

    def terminate(self) -> None:
        """Ask the server to end the process and its children."""

    def close(self) -> None:
        """Leave the process, whether it has ended or not."""

    def wait(self, seconds: float | None) -> None:
        """Wait until something happens: output, room for input, an end, or `wake`."""

    def wake(self) -> None:
        """Make `wait` return; called from another thread."""

    def silent(self) -> bool:
        """Return whether the server owes too many signs of life."""

    def lost(self) -> str | None:
        """Return why the connection ended, empty if that is not known; None if it is open."""
