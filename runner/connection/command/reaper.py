"""The end of commands on servers that pass no signal on to all of a command.

`ssh` has no way to ask for a signal. Dropbear sends it to the login shell alone, which is not the parent of
all that the command has started, so that this would go on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.connection.command.shells import shell

if TYPE_CHECKING:
    from runner.connection.command.process import Process

__all__ = ["REAPER", "may_survive"]

_WITHIN_S = 1.0
"""Seconds that the end may take: the commands of a closed connection have no common parent any more."""

# The commands of a connection are children of one server process, and so is this shell. If the connection
# closes first, this shell is a child of process 1, whose other children are the rest of the machine: nothing
# is ended unless the parent, at the time of the list, is an SSH server that serves one connection in each
# process. Only some servers give each command a process group of its own. An SFTP server is spared: it may
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
"""Ends what the other commands of a connection have started.

The login shell makes way for it: by `exec`, or, as a restricted one, for its last command.
"""


def may_survive(reaper: Process) -> bool:
    """Wait until it has ended them, or for as long as that may take; return whether they may go on."""
    end = time.monotonic() + _WITHIN_S
    while not reaper.finished and time.monotonic() < end:
        reaper.wait(end - time.monotonic())
    return reaper.exit_status != 0
