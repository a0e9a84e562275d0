"""Measure whether silent hosts delay the others: a run over many SSH servers and hosts that never answer.

Run it as root: it creates two network namespaces and removes them again. In one, a real sshd answers for a
whole range of addresses, and a router silently drops packets to another range. From the other, `echo up` is
run on all hosts, in turns with and without the silent ones. A host is handed to a worker as soon as it
answers its ping, so neither the first login nor the last good result should wait for the silent hosts.

`--hosts 1000` makes a thousand real logins for each round and side, about a minute on two cores.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench._network import ANSWERING, FAR, NEAR, SILENT, network
from runner.connection import HostKeyPolicy
from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob
from runner.models import Host
from runner.reach import ReachOptions
from tests.connection.sshd import running_sshd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.connection.sshd import Sshd

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Round:
    """The times of events in a run, in seconds since it began."""

    first_login_s: float
    last_ping_s: float
    last_good_s: float
    good: int


def enter(namespace: str) -> None:
    """Move this thread, and everything that it starts from now on, to a network namespace (setns(2))."""
    with Path("/run/netns", namespace).open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")


def fleet(server: Sshd, answering: int, silent: int) -> list[Host]:
    """Return the hosts, with the silent ones spread among the others."""
    found = [
        server.host(f"good{number}", ansible_host=str(ANSWERING + number)) for number in range(answering)
    ]
    step = max(1, answering // max(1, silent))
    for number in range(silent):
        found.insert(number * (step + 1), Host(f"silent{number}", {"ansible_host": str(SILENT + number)}))
    return found


def run(hosts: Sequence[Host], server: Sshd, workers: int) -> Round:
    """Run a command on all hosts; return the times of the events."""
    begun: list[float] = []
    began = time.monotonic()
    pinged = good = 0.0
    count = 0
    results = stream(
        hosts,
        CommandJob(("echo up",)),
        run="bench",
        connecting=Connections(
            replace(server.options(), host_key_policy=HostKeyPolicy.OFF, connect_timeout_s=60)
        ),
        options=FanoutOptions(workers=workers),
        reach=ReachOptions(rate=0),
        starting=lambda _names: begun.append(time.monotonic() - began),
    )
    for result in results:
        now = time.monotonic() - began
        if result.ok:
            good, count = now, count + 1
        elif result.reason == "no-reply":
            pinged = now
    return Round(begun[0], pinged, good, count)


def show(rounds: dict[str, list[Round]], answering: int) -> None:
    for name, each in rounds.items():
        first, last, good = (
            statistics.median(getattr(one, what) for one in each)
            for what in ("first_login_s", "last_ping_s", "last_good_s")
        )
        ended = f"last ping ends after {last:.2f} s" if last else "every ping is answered"
        print(
            f"  {name:8} first login starts after {first:.3f} s, {ended}, last good result after {good:.2f} s"
        )
        print(f"           {sum(one.good for one in each)} of {answering * len(each)} good")
    ratio = [one.last_good_s / other.last_good_s for one, other in zip(*rounds.values(), strict=True)]
    print(f"  last good result with the silent hosts: {statistics.median(ratio):.3f}x of that without them")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--silent", type=float, default=0.05, help="part of them that never answers")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    silent = round(chosen.hosts * chosen.silent)
    answering = chosen.hosts - silent
    rounds: dict[str, list[Round]] = {"with": [], "without": []}
    with network(), tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        enter(FAR)
        with running_sshd(Path(folder), address="0.0.0.0") as server:
            enter(NEAR)
            for _ in range(chosen.rounds):
                for name, number in (("with", silent), ("without", 0)):
                    rounds[name].append(run(fleet(server, answering, number), server, chosen.workers))
    print(f"{chosen.hosts} hosts, {silent} of them silent; {chosen.workers} workers; {chosen.rounds} rounds")
    show(rounds, answering)


if __name__ == "__main__":
    main()
