"""Reachability side by side with fping: many hosts, some of them silent, both in one run.

Run it as root: it makes two network namespaces, in which a router answers for a whole range of addresses
and silently drops the packets to some of them, and removes them again. Both programs get the same addresses
in the same random order, the same timeout and the same number of tries; fping goes at its best settings
(`-i 0.01`, no back-off), ours without a rate limit.

CPU is that of the whole process, less that of the same process without hosts.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NEAR, FAR = f"bench{os.getpid()}near", f"bench{os.getpid()}far"
ANSWERING, SILENT = ipaddress.ip_address("10.64.0.1"), ipaddress.ip_address("10.72.0.1")

NETWORK = f"""
ip netns add {NEAR}
ip netns add {FAR}
ip link add near netns {NEAR} type veth peer name far netns {FAR}
ip -n {NEAR} link set lo up
ip -n {FAR} link set lo up
ip -n {NEAR} addr add 10.0.0.1/30 dev near
ip -n {FAR} addr add 10.0.0.2/30 dev far
ip -n {NEAR} link set near up
ip -n {FAR} link set far up
ip -n {NEAR} route add 10.64.0.0/12 via 10.0.0.2
ip -n {FAR} route add local 10.64.0.0/13 dev lo
ip -n {FAR} route add blackhole 10.72.0.0/13
ip netns exec {NEAR} sysctl -qw net.ipv4.ping_group_range=0\x002147483647
ip netns exec {NEAR} fping -q -r 20 10.64.0.1
"""

PROBE = """
import sys
from pathlib import Path
from runner.models import Host
from runner.reach import ReachOptions, probe
hosts = [Host(name) for name in Path(sys.argv[1]).read_text().split()]
options = ReachOptions(method="icmp", timeout_s=float(sys.argv[2]), tries=int(sys.argv[3]), rate=0)
down = [result.host for result in probe(hosts, options) if not result.ok]
print(len(down))
"""


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall clock and of CPU, peak memory in bytes, hosts called down."""

    wall_s: float
    cpu_s: float
    memory: int
    down: int


@contextlib.contextmanager
def network() -> Iterator[None]:
    try:
        for line in NETWORK.strip().splitlines():
            command = [word.replace("\0", " ") for word in line.split(" ")]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        yield
    finally:
        for namespace in (NEAR, FAR):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)


def addresses(count: int, silent: int) -> list[str]:
    chosen = [str(ANSWERING + number) for number in range(count - silent)]
    chosen += [str(SILENT + number) for number in range(silent)]
    random.Random(1).shuffle(chosen)
    return chosen


def run(command: Sequence[str]) -> Cost:
    """Run a command in the near namespace and measure it alone."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["ip", "netns", "exec", NEAR, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    lines = process.stdout.read().split()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    wall_s = time.monotonic() - began
    down = int(lines[0]) if len(lines) == 1 and lines[0].isdigit() else len(lines)
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, down)


def median(costs: Sequence[Cost], what: str) -> float:
    return float(statistics.median(getattr(cost, what) for cost in costs))


def compare(hosts: int, silent: int, timeout_s: float, tries: int, runs: int) -> None:
    """Measure both in turns and print medians and ratios."""
    with tempfile.NamedTemporaryFile("w") as some, tempfile.NamedTemporaryFile("w") as none:
        some.write("\n".join(addresses(hosts, silent)))
        some.flush()
        asked = [str(timeout_s), str(tries)]
        theirs = [
            "fping",
            "-u",
            "-i",
            "0.01",
            "-B",
            "1",
            "-t",
            str(round(timeout_s * 1000)),
            "-r",
            str(tries - 1),
        ]
        ours = [sys.executable, "-c", PROBE]
        costs: dict[str, list[Cost]] = {"fping": [], "runner": [], "idle": []}
        for _ in range(runs):
            costs["fping"].append(run([*theirs, "-f", some.name]))
            costs["runner"].append(run([*ours, some.name, *asked]))
            costs["idle"].append(run([*ours, none.name, *asked]))
    show(costs, hosts, silent, timeout_s * tries)


def show(costs: dict[str, list[Cost]], hosts: int, silent: int, floor_s: float) -> None:
    fping, runner, idle = costs["fping"], costs["runner"], costs["idle"]
    wall_s, cpu_s = (median(runner, what) - median(idle, what) for what in ("wall_s", "cpu_s"))
    memory = (median(runner, "memory") - median(idle, "memory")) / hosts
    print(f"{hosts} hosts, {silent} of them silent; timeout x tries = {floor_s:g} s; {len(runner)} runs each")
    print(f"  wall    fping {median(fping, 'wall_s'):.2f} s   runner {wall_s:.2f} s", end="")
    print(f"   {wall_s / median(fping, 'wall_s'):.2f}x of fping, {wall_s / floor_s:.2f}x of timeout x tries")
    print(f"  CPU     fping {median(fping, 'cpu_s'):.2f} s   runner {cpu_s:.2f} s", end="")
    print(f"   {cpu_s / median(fping, 'cpu_s'):.2f}x of fping")
    print(f"  memory  {memory:.0f} bytes a host over the idle process")
    for name in ("fping", "runner"):
        wrong = [cost.down - silent for cost in costs[name]]
        print(f"  {name}: {sum(wrong)} hosts falsely called down or up in {len(wrong)} runs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--silent", type=int, default=500)
    parser.add_argument("--timeout", type=float, default=0.5, help="seconds for each try")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    with network():
        compare(chosen.hosts, chosen.silent, chosen.timeout, chosen.tries, chosen.runs)


if __name__ == "__main__":
    main()
