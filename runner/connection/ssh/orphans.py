"""Commands that a server does not end when it is asked to.

A user may not signal a process of another user. Dropbear signals only the shell of a command.
Up to version 9.7, OpenSSH serves root's logins from a process that may not pass on signals ("session
signalling requires privilege separation", says its log). A command that has no terminal does not notice the
end of the connection either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.connection.command.timeouts import STILL_RUNS
from runner.errors import Cancelled, DeadlineExceeded, OutputLimitExceeded

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.connection.target.access import LoginTarget
    from runner.errors import HostError

__all__ = ["survival", "warn_of_orphan"]

_TOLD_TO_END = (Cancelled, DeadlineExceeded, OutputLimitExceeded)

_OPENSSH = re.compile(r"SSH-[\d.]+-OpenSSH_(\d+)\.(\d+)")
_DROPBEAR = re.compile(r"SSH-[\d.]+-dropbear", re.IGNORECASE)
_SIGNALS_FOR_ROOT = (9, 8)


def warn_of_orphan(error: HostError, server: str, access: LoginTarget, survives: bool | None) -> None:
    """Add a warning to the error of a command that was told to end, if the command may still run.

    Args:
        error: The error of a command without a terminal.
        server: The server's version line, the first line that it sends.
        access: The login, with the user that the command ran as.
        survives: Whether the attempt to end the command failed; None if there was no attempt.
    """
    if not isinstance(error, _TOLD_TO_END):
        return
    words = survival(server, access.login.user, access.options, survives)
    if words:
        error.args = (f"{error}; {words}",)


def survival(
    server: str, user: str, options: ConnectionOptions | None = None, survives: bool | None = None
) -> str:
    """Return why a command without a terminal may go on after it was told to end; empty if it does not.

    Args:
        server: The server's version line, the first line that it sends.
        user: The user who logged in.
        options: The privilege escalation settings; None: the command runs as the user who logged in.
        survives: Whether the attempt to end the command failed; None if there was no attempt.
    """
    if options is not None and options.become and user != "root":
        become = options.become_as
        return f"{STILL_RUNS}: {user} may not end what runs as {become.user} by {become.method}"
    if survives is not None:
        return f"{STILL_RUNS}: the server opened no second session to end it in" if survives else ""
    if _DROPBEAR.match(server):
        return f"{STILL_RUNS}: Dropbear ends only the shell of a command, not the processes that it started"
    found = _OPENSSH.match(server)
    if found is None or user != "root":
        return ""
    version = int(found[1]), int(found[2])
    if version >= _SIGNALS_FOR_ROOT:
        return ""
    return f"{STILL_RUNS}: OpenSSH {found[1]}.{found[2]} cannot end a command of root's without --pty"
