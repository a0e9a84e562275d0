"""What comes true after a moment, such as the end of a process, for tests that wait for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["alive", "comes_true", "gone"]


def comes_true(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Wait until a condition holds; tell whether it does."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # not there, or ended between `open` and `read`
        return False


def gone(*pids: int, within_s: float = 30.0) -> bool:
    """Wait until none of some processes runs; tell whether that came to be."""
    return comes_true(lambda: not any(alive(pid) for pid in pids), within_s)
