"""The deadlines of a command, and the errors of commands that did not end by themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.errors import ConnectionLost, DeadlineExceeded
from runner.models import Phase
from runner.text import because

if TYPE_CHECKING:
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions

__all__ = [
    "SIGNS",
    "STILL_RUNS",
    "UNANSWERED",
    "CommandTimeout",
    "connection_lost",
    "late",
    "no_exit_status",
    "no_sign_of_life",
]

SIGNS = 3
"""Number of unanswered keepalives after which a server is lost (ssh_config(5), ServerAliveCountMax)."""

STILL_RUNS = "it may still run"
"""Part of the error of a command that had to be ended, if the server may not have ended it."""

UNANSWERED = "the server did not answer the request for a transfer"
"""The message for a server that neither starts the program nor refuses it."""

_STALLED = {
    Phase.LOGIN: "the server did not answer the login",
    Phase.CHANNEL: "the server did not open a channel",
    Phase.COMMAND: "the server did not answer the request to run the command",
    Phase.TRANSFER: UNANSWERED,
}


class CommandTimeout:
    """The deadlines of one command, from now on.

    Args:
        options: How long the command may take, and how long it may print nothing.
        deadline: The host's deadline.

    Attributes:
        seconds: Seconds until the command has to end; None means no limit.
        whole_host: Whether that is the host's limit rather than the command's.
        heard_at: When the command last printed something.
    """

    def __init__(self, options: ConnectionOptions, deadline: Deadline) -> None:
        self.seconds, self.whole_host = deadline.sooner(options.command_timeout_s)
        self.heard_at = self._start = time.monotonic()
        self._idle_s = options.idle_timeout_s

    def heard(self) -> None:
        """Note that the command printed something."""
        self.heard_at = time.monotonic()

    def left(self) -> float | None:
        """Return the seconds until the next deadline; None if there is none."""
        ends = []
        if self.seconds is not None:
            ends.append(self._start + self.seconds)
        if self._idle_s is not None:
            ends.append(self.heard_at + self._idle_s)
        return min(ends) - time.monotonic() if ends else None

    def over(self, command: str) -> DeadlineExceeded | None:
        """Return the error of a command whose time is over; None if it is not over."""
        now = time.monotonic()
        if self.seconds is not None and now >= self._start + self.seconds:
            # The seconds that were left of the host's time differ from host to host and help no reader.
            ends = "before the host's deadline" if self.whole_host else f"within {self.seconds:g} s"
            return DeadlineExceeded(
                f"{command!r} did not end {ends}",
                reason="host-deadline" if self.whole_host else "command-deadline",
                phase=Phase.COMMAND,
            )
        if self._idle_s is not None and now >= self.heard_at + self._idle_s:
            return DeadlineExceeded(
                f"{command!r} printed nothing for {self._idle_s:g} s and was ended; see --idle-timeout",
                reason="idle",
                phase=Phase.COMMAND,
            )
        return None


def late(phase: Phase, seconds: float, options: ConnectionOptions, *, by_host: bool) -> DeadlineExceeded:
    """Return the error of a server that did not complete a step in time.

    Args:
        phase: The step's phase.
        seconds: The step's own limit.
        options: The host's limit.
        by_host: Whether the host's limit came first.
    """
    text, reason = f"{_STALLED.get(phase, 'no answer')}: nothing within {seconds:g} s", f"{phase}-deadline"
    if by_host:
        text, reason = f"the host's deadline of {options.host_timeout_s or 0:g} s passed", "host-deadline"
    return DeadlineExceeded(text, reason=reason, phase=phase)


def no_exit_status(command: str) -> ConnectionLost:
    """Return the error of a command whose channel closed without an exit status."""
    return ConnectionLost(
        f"the host closed the channel without an exit status for {command!r}",
        reason="no-exit-status",
        phase=Phase.COMMAND,
    )


def connection_lost(command: str, why: str = "") -> ConnectionLost:
    """Return the error of a command whose connection ended while it ran, with the reason if it is known."""
    return ConnectionLost(
        f"the connection ended while {command!r} was running{because(why)}",
        reason="connection-lost",
        phase=Phase.COMMAND,
    )


def no_sign_of_life(command: str, keepalive_s: float) -> ConnectionLost:
    """Return the error of a command whose server no longer answers keepalives."""
    return ConnectionLost(
        f"the server gave no sign of life for {SIGNS * keepalive_s:g} s while {command!r} was running; "
        "see --keepalive",
        reason="keepalive",
        phase=Phase.COMMAND,
    )
