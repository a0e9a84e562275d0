"""Who is at work on a run: a process, told apart from a later one that was given the same number."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["is_alive", "process_id", "this_process"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED = "ZX"
"""States of a process that only waits for its parent to take notice."""


def this_process() -> str:
    """Return what this process is known by, on this machine and in its history."""
    return _described(os.getpid())


def process_id(owner: str) -> int:
    """Return the number of a process that is known by this."""
    return int(owner.partition(" ")[0])


def is_alive(owner: str) -> bool:
    """Whether the process that is known by this still runs; False where the system does not tell."""
    return " " in owner and _described(process_id(owner)) == owner


def _described(number: int) -> str:
    """Return a process's number, when it started, and in which life of the machine.

    Linux tells (proc_pid_stat(5), field 22); elsewhere it is the number alone.
    """
    try:
        # The second field is the program's name in parentheses, and may itself hold any of them and blanks.
        after_name = Path(f"/proc/{number}/stat").read_text("utf-8", "replace").rpartition(")")[2]
        state, *fields = after_name.split()
        if state in _ENDED:
            return str(number)
        return f"{number} {fields[18]} {_BOOT_ID.read_text('ascii').strip()}"
    except OSError:
        return str(number)
