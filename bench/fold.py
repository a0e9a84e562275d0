"""Folding compared with `clubak -b`: 10,000 hosts with 10 KB each; half of them have unique answers.

Both programs read the same file of `host: line` lines and print the folded view, in turns; the first turn,
which fills caches, is not counted. Our program first converts the file to results, which is timed separately:
a run has its results already. Times are processor seconds, so that other load on the machine matters less.

    python bench/fold.py [--hosts 10000] [--size 10240] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from runner.models import CommandResult, Host, HostResult, Run, Status
from runner.report import ReportOptions
from runner.report.formats.folded import FoldedReporter
from runner.results.results import Summary

MOST_SECONDS, MOST_OF_CLUBAK = 1.0, 0.5


def write(path: Path, hosts: int, size: int) -> None:
    """Write the output of the hosts: every second host has one line that differs."""
    chance = random.Random(1)
    lines = [f"interface Ethernet1/{number} is up, line protocol is up" for number in range(size // 50)]
    with path.open("w") as file:
        for number in range(hosts):
            name = f"leaf{number:05}"
            own = list(lines)
            if number % 2:
                own[chance.randrange(len(own))] = f"serial number {number}"
            file.writelines(f"{name}: {line}\n" for line in own)


def fold(path: Path) -> None:
    """Read the file, fold it as a run does, and print the seconds of both steps on stderr."""
    begin = time.process_time()
    said: dict[bytes, list[bytes]] = {}
    with path.open("rb") as file:
        for line in file:
            name, _, text = line.partition(b": ")
            said.setdefault(name, []).append(text)
    results = [
        HostResult(name.decode(), Status.OK, commands=(CommandResult("x", 0, b"".join(texts)),))
        for name, texts in said.items()
    ]
    said.clear()
    read = time.process_time()
    run = Run("bench", "run", datetime.now(UTC))
    hosts = [Host(result.host) for result in results]
    reporter = FoldedReporter(sys.stdout, ReportOptions(hosts=hosts))
    reporter.start(run)
    for result in results:
        reporter.result(result)
    reporter.finish(Summary(run, {Status.OK: len(results)}))
    sys.stdout.flush()
    print(f"{read - begin:.3f} {time.process_time() - read:.3f}", file=sys.stderr)


def spent(command: list[str], source: Path) -> tuple[float, float, str]:
    """Return the wall and processor seconds of a program, and its stderr."""
    begin, before = time.perf_counter(), os.times()
    with source.open("rb") as stdin:
        done = subprocess.run(
            command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True
        )
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begin, processor, done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=10_240, help="bytes of output of each host")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fold", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fold is not None:
        fold(asked.fold)
        return 0
    if shutil.which("clubak") is None:
        print("clubak is not installed (Debian: clustershell)")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "said")
        write(source, asked.hosts, asked.size)
        ours, theirs, folding = [], [], []
        for turn in range(asked.rounds + 1):  # the first fills caches
            mine = spent([sys.executable, __file__, "--fold", str(source)], source)
            other = spent(["clubak", "-b", "-d", ": "], source)
            if turn:
                ours.append(mine[1])
                theirs.append(other[1])
                folding.append(float(mine[2].split()[1]))
            print(f"round {turn}: ours {mine[1]:.2f} s CPU, {mine[0]:.2f} s in all", end="; ")
            print(f"clubak -b {other[1]:.2f} s CPU, {other[0]:.2f} s in all", flush=True)
    ratio = statistics.median(ours) / statistics.median(theirs)
    over = statistics.median(folding)
    print(f"folding and printing take {over:.2f} s CPU over reading (aim: under {MOST_SECONDS:g} s)")
    print(f"CPU of the whole, of clubak's: {ratio:.2f} (aim: at most {MOST_OF_CLUBAK:g})")
    return int(over > MOST_SECONDS or ratio > MOST_OF_CLUBAK)


if __name__ == "__main__":
    sys.exit(main())
