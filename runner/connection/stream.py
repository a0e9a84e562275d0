"""Bytes to and from a program on the host: what files travel over, whichever connection carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from runner.errors import HostError
from runner.models import Status

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from runner.connection.options import ConnectionOptions

__all__ = ["SFTP_SERVER", "Stream", "StreamEnded", "Streaming", "idle_limit"]

_IDLE_S = 60.0

SFTP_SERVER = (
    "cd; for server in /usr/lib/openssh /usr/libexec/openssh /usr/libexec /usr/lib/ssh /usr/lib; do "
    'if [ -x "$server/sftp-server" ]; then exec "$server/sftp-server"; fi; done; '
    "echo 'sftp-server is not installed' >&2; exit 127"
)
"""Runs the SFTP server as whoever runs the command: a subsystem always runs as who logged in."""


def idle_limit(options: ConnectionOptions) -> float:
    """Return the seconds in which something has to move."""
    given = (_IDLE_S, options.command_timeout_s, options.idle_timeout_s)
    return min(seconds for seconds in given if seconds is not None)


class StreamEnded(HostError):
    """The program at the other end, or the connection, ended before its time."""

    status = Status.ERROR


class Stream(Protocol):
    """A program on the host: what is sent to it is its standard input, what is received its output."""

    def working(self, *, last: bool = False) -> AbstractContextManager[None]:
        """Return the context in which to send and to receive: one that moves nothing is ended in time.

        Args:
            last: Tidying up: a run that is being stopped does not end it at once.
        """

    def send(self, data: bytes) -> None:
        """Send all of it; raise `HostError` where that cannot be done."""

    def recv(self) -> bytes:
        """Return what has come, waiting for at least a byte; raise `HostError` where none comes."""

    def said(self) -> bytes:
        """Return the end of what the program wrote on its standard error."""

    def close(self) -> None:
        """End the program."""


@runtime_checkable
class Streaming(Protocol):
    """A connection that can carry files."""

    def open_stream(self, command: str | None = None) -> Stream:
        """Start a program on the host; None is its SFTP server.

        Raises:
            HostError: It cannot be started; the reason `no-sftp` says that there is no SFTP server.
        """
