"""The words for streams that did not come to an end of their own, whichever connection carries them."""

from __future__ import annotations

from runner.connection.stream import StreamEnded
from runner.errors import Cancelled, DeadlineExceeded, RequestRefused
from runner.models import Phase
from runner.text import because

__all__ = [
    "UNANSWERED",
    "connection_lost",
    "host_late",
    "idle",
    "refused",
    "server_ended",
    "stopped",
    "unanswered",
]

UNANSWERED = "the server did not answer the request for a transfer"
"""What is said of one that neither starts what files travel over nor denies it."""


def stopped() -> Cancelled:
    """Return the error of a transfer that was ended with its run."""
    return Cancelled("the run was stopped", reason="stopped", phase=Phase.TRANSFER)


def idle(seconds: float) -> DeadlineExceeded:
    """Return the error of a transfer in which nothing moved for so many seconds."""
    text = f"nothing moved for {seconds:g} s: the transfer was given up"
    return DeadlineExceeded(text, reason="idle", phase=Phase.TRANSFER)


def unanswered(seconds: float) -> DeadlineExceeded:
    """Return the error of a program that a server neither starts nor denies within so many seconds."""
    text = f"{UNANSWERED}: nothing within {seconds:g} s"
    return DeadlineExceeded(text, reason="transfer-deadline", phase=Phase.TRANSFER)


def host_late() -> DeadlineExceeded:
    """Return the error of a transfer that the host's deadline has cut off."""
    text = "the host's deadline passed in the middle of a transfer"
    return DeadlineExceeded(text, reason="host-deadline", phase=Phase.TRANSFER)


def connection_lost() -> StreamEnded:
    """Return the error of a transfer whose connection ended under it."""
    text = "the connection ended in the middle of a transfer"
    return StreamEnded(text, reason="connection-lost", phase=Phase.TRANSFER, transient=True)


def server_ended(said: bytes) -> StreamEnded:
    """Return the error of a program that ended too early, and had said this on its standard error."""
    text = f"the program at the other end ended too early{because(said)}"
    return StreamEnded(text, reason="server-ended", phase=Phase.TRANSFER)


def refused(command: str | None) -> RequestRefused:
    """Return the error of a program that a server does not start; None is its SFTP server."""
    if command is None:
        return RequestRefused("the server offers no SFTP", reason="no-sftp", phase=Phase.TRANSFER)
    return RequestRefused("the server refused to run a command", reason="exec-refused", phase=Phase.TRANSFER)
