"""Helpers to wait until a condition holds, such as the end of a process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["alive", "comes_true", "gone"]


def comes_true(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Wait until a condition holds, and return whether it does."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Return whether a process is running; a zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # no such process, or it ended between `open` and `read`
        return False


def gone(*pids: int, within_s: float = 30.0) -> bool:
    """Wait until none of the processes is running, and return whether that is so."""
    return comes_true(lambda: not any(alive(pid) for pid in pids), within_s)
