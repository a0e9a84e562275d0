"""Measure how one hostile host affects a run of six: healthy hosts, duration, memory, reaction to SIGTERM.

It measures each kind of `tests/security/test_hostile_runs.py`, and kinds for files and locks, with `--timeout
5 --timeout-total 15`; also six hosts that print much, to which the limits do not apply. `python -m
bench.hostile [--kinds NAME,… --executors thread,process]` ends with 1 if a limit is exceeded.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import resource
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.connection.peers.ssh import Script
from tests.connection.peers.stage import Stage
from tests.security.test_hostile_runs import (
    HEALTHY,
    KINDS,
    MOST_OUTPUT,
    Kind,
    Memory,
    command,
    hangs,
    prints,
    project,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projects import Project

END_S, MEMORY_MB, TERM_S = 16.0, 400.0, 2.0
_ARGUMENTS = "ansible_ssh_common_args"
_OF_HEALTHY = re.compile(rb'\{"host": "h\d", "status": "(\w+)"')
_SUMMED = re.compile(rb"6 hosts: (\d+) ok")
FILES = {
    "revoked-device": "RevokedHostKeys=/dev/zero",
    "revoked-fifo": "RevokedHostKeys={folder}/fifo",
    "known-hosts-sparse": "UserKnownHostsFile={folder}/sparse",
    "identity-fifo": "IdentityFile={folder}/fifo",
}
MORE = {
    "hanging": Kind("lost", script=Script(hangs)),
    "locked": Kind("ok", flags=("--host-key-policy", "accept-new")),
    "all-print-15-mb": Kind("ok", script=Script(prints(os.urandom(MOST_OUTPUT)))),
    **{name: Kind("", variables={_ARGUMENTS: f"-o {option}"}) for name, option in FILES.items()},
    "config-of-the-disk": Kind("error", variables={_ARGUMENTS: "-F {folder}/everything"}),
}


class Measured(NamedTuple):
    """The figures of one kind.

    Attributes:
        ok: The number of healthy hosts that ended ok.
        last_s: Seconds until the last result of a healthy host.
        end_s: Seconds until the run ended.
        memory_mb: The most memory that the run and its descendants were seen to use.
        term_s: Seconds from a SIGTERM, sent at 3 s, to the end; near 0 if the run had ended before.
        cpu_s: Processor seconds of the run.
    """

    ok: int
    last_s: float
    end_s: float
    memory_mb: float
    term_s: float
    cpu_s: float

    @property
    def kept(self) -> bool:
        """Whether every limit was kept."""
        small = self.end_s <= END_S and self.memory_mb <= MEMORY_MB
        return self.ok == len(HEALTHY) and small and self.term_s <= TERM_S


def measured(stage: Stage, name: str, kind: Kind, executor: str) -> Measured:
    """Measure one kind with one executor: a complete run, and another one that gets a SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        made, words = prepared(Path(folder), stage, name, kind)
        words += ("--executor", executor)
        with lock(Path(folder) / "known_hosts", wanted=name == "locked"):
            found = to_its_end(made, words)
            return found._replace(term_s=ended_by_sigterm(made, words))


def prepared(folder: Path, stage: Stage, name: str, kind: Kind) -> tuple[Project, tuple[str, ...]]:
    """Write a project with the hostile host; return it and the words of the command."""
    values = {
        key: value.replace("{folder}", str(folder))
        for key, value in kind.variables.items()
        if key == _ARGUMENTS
    }
    hostile = Kind(kind.status, script=kind.script, variables={**kind.variables, **values})
    made = project(
        folder, stage, stage.ssh(kind.script if name.startswith("all-") else Script()), {"bad": hostile}
    )
    os.mkfifo(folder / "fifo")
    os.truncate(made.write("sparse", ""), 3 * 2**30)
    made.write("everything", "Include /*/*/*/*/*/*\n")
    if name == "locked":
        made.write("known_hosts", "")
    return made, command({"bad": kind}, "--format", "folded" if "--ignore" in kind.flags else "jsonl")


@contextmanager
def lock(path: Path, *, wanted: bool) -> Iterator[None]:
    """If wanted, hold a lock on a file, like a program that hangs while it reads the file."""
    with path.open() as file:
        if wanted:
            fcntl.flock(file, fcntl.LOCK_SH)
        yield


def to_its_end(made: Project, words: tuple[str, ...]) -> Measured:
    """Run the command to its end and measure it."""
    ok, last = 0, 0.0
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with made.start(*words, program="runner", stderr=None) as process:
        memory = Memory(process.pid)
        assert process.stdout is not None
        for line in process.stdout:
            at = time.monotonic() - began
            if line.startswith(b"{"):
                found = _OF_HEALTHY.match(line)
                ok, last = (ok + (found[1] == b"ok"), at) if found else (ok, last)
            elif summed := _SUMMED.match(line):  # the folded format shows all hosts at the end
                ok, last = int(summed[1]) - 1, at
        process.wait()
        memory.close()
    ended, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return Measured(ok, last, ended - began, memory.most / 2**20, 0, cpu)


def ended_by_sigterm(made: Project, words: tuple[str, ...]) -> float:
    """Start the command, send it a SIGTERM after 3 s, and return the seconds until it has ended."""
    with made.start(*words, program="runner", stderr=None) as process:
        time.sleep(3)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        return time.monotonic() - told


def main() -> None:
    every = {**KINDS, **MORE}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join(every))
    parser.add_argument("--executors", default="thread,process")
    chosen = parser.parse_args()
    kept = True
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before\n")
    print("| kind | executor | healthy ok | the last at | run ended | processor | memory | SIGTERM |")
    print("| --- | --- | --: | --: | --: | --: | --: | --: |")
    with Stage() as stage:
        for name in chosen.kinds.split(","):
            for executor in chosen.executors.split(","):
                found = measured(stage, name, every[name], executor)
                judged = not name.startswith("all-")  # the limits apply to one hostile host of six
                kept = kept and (found.kept or not judged)
                cells = f"{found.ok} of {len(HEALTHY)} | {found.last_s:.1f} s | {found.end_s:.1f} s"
                cells += f" | {found.cpu_s:.1f} s | {found.memory_mb:.0f} MB"
                more = f"{found.term_s:.1f} s{' **over**' if judged and not found.kept else ''}"
                print(f"| {name} | {executor} | {cells} | {more} |", flush=True)
    sys.exit(not kept)


if __name__ == "__main__":
    main()
