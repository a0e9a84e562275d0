"""Identify the process that works on a run, even if a later process gets the same process id."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_alive", "process_id", "this_process"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED = "ZX"
"""States of a process that has ended but is still in the process table."""


def this_process() -> str:
    """Return the identity of this process for the history, unique on this machine."""
    return _described(os.getpid())


def process_id(owner: str) -> int:
    """Return the process id in an identity."""
    return int(owner.partition(" ")[0])


def is_alive(owner: str) -> bool:
    """Return whether the process with this identity still runs; False if the system cannot say."""
    return " " in owner and _described(process_id(owner)) == owner


def _described(number: int) -> str:
    """Return a process id, the start time of the process, and the boot id of the machine.

    The start time is field 22 of proc_pid_stat(5) on Linux; other systems give the process id only.
    """
    try:
        # The second field is the program's name in parentheses; it may itself contain parentheses and blanks.
        after_name = Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(")")[2]
        state, *fields = after_name.split()
        if state in _ENDED:
            return str(number)
        return f"{number} {fields[18]} {_BOOT_ID.read_text('ascii').strip()}"
    except OSError:
        return str(number)
