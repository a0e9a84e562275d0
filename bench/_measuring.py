"""Measure programs: wall time, processor time and memory, including all child processes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench._environment import as_installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Spent", "cpu_s", "run", "settle", "turns"]

_LOOK_S = 0.25
_LOOKING = 0.02
"""The largest share of the time to spend on reading memory use: with hundreds of processes it takes long."""
_IDLE_SHARE = 0.02


@dataclass(frozen=True)
class Spent:
    """The measured figures of one run of a program.

    Attributes:
        said: Its stdout.
        exit_code: Its exit code; None if it was killed because its time was over.
        wall_s: Seconds from its start to its end.
        cpu_s: Processor seconds of the program and all its children.
        peak_mb: The most memory that all of them used at once; shared memory counts once.
    """

    said: str
    exit_code: int | None
    wall_s: float
    cpu_s: float
    peak_mb: float


def descendants(pid: int) -> list[int]:
    """Return a process and all its descendants, from /proc."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def memory_mb(pid: int) -> float:
    """Return the memory of a process and its descendants: shared memory counts once (PSS, proc(5))."""
    total = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError, IndexError):  # a process that has just ended has no figure
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, its running descendants and the children they waited for."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def run(command: Sequence[str], most_s: float) -> Spent:
    """Run a program; kill it and its descendants if it takes longer than `most_s` seconds."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, env=as_installed())
        with _watching_memory(process.pid) as peak:
            ended = _ends(process.pid, most_s)
            used = 0.0 if ended else cpu_s(process.pid)
            if not ended:
                _kill(process.pid)
            _, status, times = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)  # `Popen` has not seen it
        said.seek(0)
        if ended:
            return Spent(said.read(), process.returncode, wall, times.ru_utime + times.ru_stime, max(peak))
        return Spent(said.read(), None, wall, used, max(peak))


def turns(tools: list[str], times: int) -> Iterator[str]:
    """Yield the tools in turns; each turn starts with another tool, because the first finds cold caches."""
    for turn in range(times):
        first = turn % len(tools)
        yield from tools[first:] + tools[:first]


def settle(pid: int, most_s: float = 15.0) -> None:
    """Wait until a server is idle, so that no tool pays for work that the previous tool left behind."""
    end = time.monotonic() + most_s
    while time.monotonic() < end:
        before = cpu_s(pid)
        time.sleep(_LOOK_S)
        if cpu_s(pid) - before <= _IDLE_SHARE * _LOOK_S:
            return


def _ends(pid: int, most_s: float) -> bool:
    """Wait for the end of a process; return False if it still runs after `most_s` seconds."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], most_s)[0])
    finally:
        os.close(descriptor)


def _kill(pid: int) -> None:
    """Kill a process and its descendants, parents first, so that no new children are started."""
    for each in descendants(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


@contextlib.contextmanager
def _watching_memory(pid: int) -> Iterator[list[float]]:
    """Read the memory of a process at intervals during the context; the figures are in the list."""
    seen, over = [0.0], threading.Event()

    def watch() -> None:
        nap = _LOOK_S
        while not over.wait(nap):
            began = time.monotonic()
            seen.append(memory_mb(pid))
            nap = max(_LOOK_S, (time.monotonic() - began) / _LOOKING)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()
