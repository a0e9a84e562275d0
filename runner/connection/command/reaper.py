"""End commands on servers that do not pass a signal on to all processes of a command.

`ssh` has no way to ask for a signal. Dropbear signals only the login shell; processes that are not its direct
children would go on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.connection.command.shells import shell

if TYPE_CHECKING:
    from runner.connection.command.process import Process

__all__ = ["REAPER", "may_survive"]

_WITHIN_S = 1.0
"""Seconds that this may take. Once the connection is closed, its commands have no common parent any more."""

# The commands of a connection are children of one server process, and so is this shell. If the connection
# closes first, this shell becomes a child of process 1, whose other children are the rest of the machine.
# Therefore nothing is ended unless the parent, when the list is made, is an SSH server with one process per
# connection. Only some servers give each command its own process group. An SFTP server is spared: it may
# still have to remove its temporary files.
_SCRIPT = (
    "all=$(ps -A -o pid= -o ppid= -o comm=); "
    'end() { echo "$all" | while read -r pid parent name; do '
    'case "$name" in *sftp-server|sshd*|*/sshd*) continue ;; esac; '
    '[ "$parent" = "$1" ] && [ "$pid" != "$$" ] || continue; '
    'end "$pid"; kill -s TERM -- "-$pid" || kill -s TERM "$pid"; done; }; '
    'server=$(echo "$all" | while read -r pid parent name; do '
    'if [ "$pid" = "$PPID" ]; then echo "$name"; fi; done); '
    'case "$server" in *sshd|*sshd-session|*dropbear|*dropbearmulti) end "$PPID"; exit 0 ;; esac; exit 1'
)
REAPER = f"exec {shell(_SCRIPT)}; {shell(_SCRIPT)}"
"""Ends the processes that the other commands of a connection have started.

It replaces the login shell, by `exec`. A restricted shell refuses `exec`, but makes way for its last command:
so the script follows once more.
"""


def may_survive(reaper: Process) -> bool:
    """Wait until the reaper has ended the commands, or a time limit; return whether they may go on."""
    end = time.monotonic() + _WITHIN_S
    while not reaper.finished and time.monotonic() < end:
        reaper.wait(end - time.monotonic())
    return reaper.exit_status != 0
