"""The protocol of a running process, which the command loop and the file streams drive."""

from __future__ import annotations

from typing import Protocol

__all__ = ["CHUNK", "END_OF_INPUT", "GOODBYE_S", "Process"]

CHUNK = 2**18
"""Bytes that are read at once."""

END_OF_INPUT = b"\x04"
"""What a terminal takes as the end of its input, at the beginning of a line (termios(3), VEOF)."""

GOODBYE_S = 0.4
"""Seconds that a process that ends, or is ended, may take for its last words."""


class Process(Protocol):
    """A process on a host or on this machine. No method blocks but `wait`, `lost` and `close`."""

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
        """Whether the server refused the request, known only after the process was asked for."""

    def read(self) -> tuple[bytes, bytes]:
        """Return what has come on standard output and standard error."""

    def write(self, data: bytes) -> None:
        """Give input, which is sent during `wait` as fast as the process takes it."""

    def close_input(self) -> None:
        """End the input after what has been written."""

    def terminate(self) -> None:
        """Ask for the end of the process and of its children."""

    def close(self) -> None:
        """Leave the process, whether it has ended or not."""

    def wait(self, seconds: float | None) -> None:
        """Wait until something happens: output, room for input, an end, or `wake`."""

    def wake(self) -> None:
        """Make `wait` return; called from another thread."""

    def silent(self) -> bool:
        """Return whether the server owes too many signs of life."""

    def lost(self) -> str | None:
        """Return why the connection ended, empty if that is not known; None if it stands."""
