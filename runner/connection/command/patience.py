"""How long a command is waited for, and the words for commands that did not come to an end of their own."""

from __future__ import annotations

import time

from runner.errors import ConnectionLost, DeadlineExceeded
from runner.models import Phase
from runner.text import because

__all__ = [
    "SIGNS",
    "STILL_RUNS",
    "Patience",
    "connection_lost",
    "no_exit_status",
    "no_sign_of_life",
]

SIGNS = 3
"""Signs of life in a row that a server may owe (ssh_config(5), ServerAliveCountMax)."""

STILL_RUNS = "it may still run"
"""Part of the error of a command that had to be ended, if the server may not have ended it."""


class Patience:
    """The deadlines of one command.

    Args:
        seconds: Seconds from now until its end; None is no limit.
        whole_host: Whether that is the host's limit rather than the command's, for the message.
        idle_s: Seconds that it may go without printing anything; None is no limit.
    """

    def __init__(self, seconds: float | None, idle_s: float | None, *, whole_host: bool) -> None:
        self.start = time.monotonic()
        self.heard_at = self.start
        self._seconds = seconds
        self._idle_s = idle_s
        self._whole_host = whole_host

    def heard(self) -> None:
        """Say that it printed something."""
        self.heard_at = time.monotonic()

    def elapsed(self) -> float:
        """Return the seconds since its start."""
        return time.monotonic() - self.start

    def left(self) -> float | None:
        """Return the seconds to whichever end comes first; None where there is none."""
        ends = []
        if self._seconds is not None:
            ends.append(self.start + self._seconds)
        if self._idle_s is not None:
            ends.append(self.heard_at + self._idle_s)
        return min(ends) - time.monotonic() if ends else None

    def over(self, command: str) -> DeadlineExceeded | None:
        """Return the error of a command whose time is over; None where it is not."""
        now = time.monotonic()
        if self._seconds is not None and now >= self.start + self._seconds:
            # What was left of the host's time says nothing to anybody, and is another for each host.
            ends = "before the host's deadline" if self._whole_host else f"within {self._seconds:g} s"
            return DeadlineExceeded(
                f"{command!r} did not end {ends}",
                reason="host-deadline" if self._whole_host else "command-deadline",
                phase=Phase.COMMAND,
            )
        if self._idle_s is not None and now >= self.heard_at + self._idle_s:
            return DeadlineExceeded(
                f"{command!r} printed nothing for {self._idle_s:g} s and was ended; see --idle-timeout",
                reason="idle",
                phase=Phase.COMMAND,
            )
        return None


def no_exit_status(command: str) -> ConnectionLost:
    """Return the error of a command of which only the end of its channel is known."""
    return ConnectionLost(
        f"the host closed the channel without an exit status for {command!r}",
        reason="no-exit-status",
        phase=Phase.COMMAND,
    )


def connection_lost(command: str, why: str = "") -> ConnectionLost:
    """Return the error of a command whose connection ended under it, and of what where that is known."""
    return ConnectionLost(
        f"the connection ended while {command!r} was running{because(why)}",
        reason="connection-lost",
        phase=Phase.COMMAND,
    )


def no_sign_of_life(command: str, keepalive_s: float) -> ConnectionLost:
    """Return the error of a command whose server has fallen silent."""
    return ConnectionLost(
        f"the server gave no sign of life for {SIGNS * keepalive_s:g} s while {command!r} was running; "
        "see --keepalive",
        reason="keepalive",
        phase=Phase.COMMAND,
    )
