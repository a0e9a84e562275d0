"""Whether processes are still there, for tests that end them."""

from __future__ import annotations

import time
from pathlib import Path

__all__ = ["alive", "gone"]


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # not there, or ended between `open` and `read`
        return False


def gone(*pids: int, within_s: float = 30.0) -> bool:
    """Wait until none of some processes runs; tell whether that came to be."""
    end = time.monotonic() + within_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
