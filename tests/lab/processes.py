"""Starting programs and ending exactly those that are the lab's."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["SEARCH_PATH", "command_line", "end", "run", "wait_until"]

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"
"""Where the lab's programs are looked for: a user's own PATH often leaves out the first and the last."""


def run(*argv: str, stdin: str = "", seconds: float = 30) -> str:
    """Run a program to its end and return what it printed.

    It gets a fixed environment, `/` as its folder and a common umask: daemons keep what they start with.

    Args:
        argv: Program and arguments.
        stdin: What it reads.
        seconds: How long it may take.

    Raises:
        LabError: It was not found, took too long, or ended with another exit code than 0.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            cwd="/",
            umask=0o022,
            env={"PATH": SEARCH_PATH, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise LabError(f"{argv[0]}: {exc}") from exc
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise LabError(
            f"`{' '.join(argv)}` ended with {done.returncode}: {words[-1] if words else 'no word'}"
        )
    return done.stdout


def command_line(pid: int) -> str:
    """Return the command line of a process, or nothing where there is no such process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def end(pids: Iterable[int]) -> None:
    """Kill processes; one that is gone already is no fault.

    They are killed without being asked first: nothing of the lab outlives it, so nothing needs to be saved.
    """
    for pid in pids:
        if pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Wait until `condition` holds.

    Args:
        condition: Asked again every 50 ms.
        what: What is waited for, for the message.
        seconds: How long at most.

    Raises:
        LabError: It did not come to hold.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for this: {what}")
        time.sleep(0.05)
