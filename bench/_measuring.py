"""What a program costs while it runs: wall, processor and memory of it and of all that it starts."""

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
"""The share of the time that may be spent on looking at memory: with hundreds of processes it takes long."""
_IDLE_SHARE = 0.02


@dataclass(frozen=True)
class Spent:
    """What one run of a program took.

    Attributes:
        said: What it wrote to stdout.
        exit_code: Its exit code; None where it was ended because its time was over.
        wall_s: Seconds from its start to its end.
        cpu_s: Processor seconds, of it and of all its children.
        peak_mb: The most memory that all of them had at once; what they share counts once.
    """

    said: str
    exit_code: int | None
    wall_s: float
    cpu_s: float
    peak_mb: float


def descendants(pid: int) -> list[int]:
    """A process and all that it started, as /proc tells."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def memory_mb(pid: int) -> float:
    """Proportional memory of a process and all that it started: what is shared counts once."""
    total = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError, IndexError):  # one that has just ended has none
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def cpu_s(pid: int) -> float:
    """Processor time of a process and of all that it ever waited for, with those that still run."""
    ticks = 0
    for each in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def run(command: Sequence[str], most_s: float) -> Spent:
    """Run a program, and end it with all that it started where it takes longer than `most_s` seconds."""
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
    """Yield the tools in turns, each turn begun by another one: the first has what is cold."""
    for turn in range(times):
        first = turn % len(tools)
        yield from tools[first:] + tools[:first]


def settle(pid: int, most_s: float = 15.0) -> None:
    """Wait until a server is at rest, so that nobody pays for what the one before has left to it."""
    end = time.monotonic() + most_s
    while time.monotonic() < end:
        before = cpu_s(pid)
        time.sleep(_LOOK_S)
        if cpu_s(pid) - before <= _IDLE_SHARE * _LOOK_S:
            return


def _ends(pid: int, most_s: float) -> bool:
    """Wait for the end of a process; False where it has not come within `most_s` seconds."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], most_s)[0])
    finally:
        os.close(descriptor)


def _kill(pid: int) -> None:
    """End a process and all that it started, those first that would start others."""
    for each in descendants(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


@contextlib.contextmanager
def _watching_memory(pid: int) -> Iterator[list[float]]:
    """Look at the memory of a process every now and then in the context; what was seen is in the list."""
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
