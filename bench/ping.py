"""Pings compared with fping: many hosts, some of them silent, both programs in one run.

Run it as root: it creates two network namespaces, in which a router answers for a whole range of addresses
and silently drops the packets to some of them, and removes them again. Both programs get the same addresses
in the same random order, the same timeout and the same number of tries; fping has its fastest settings
(`-i 0.01`, no back-off), ours has no rate limit.

These are measured in turns, in separate processes. The cost of the same process without hosts is subtracted:

- fping.
- Only the probing: `runner.reach.probe` over hosts that exist already.
- `invoke ping` as a user types it, without and with history, minus `invoke --list`: inventory, pings, report.
- The share of the kernel: a bare loop of sendto(2) and recvmsg(2) over prepared addresses and packets. No
  program that sends and receives one packet at a time can be faster. Both namespaces are on this machine, so
  the figures of all programs include the answering side.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench._environment import as_installed
from bench._network import ANSWERING, NEAR, SILENT, network

if TYPE_CHECKING:
    from collections.abc import Sequence

PERMITTED = ("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
RESOLVED = ("fping", "-q", "-r", "20", str(ANSWERING))  # fills the neighbour table

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


FLOOR = """
import socket, struct, sys
from pathlib import Path
places = [(name, 0) for name in Path(sys.argv[1]).read_text().split()]
packets = [struct.pack("!BxHHHQ", 8, 0, 0, 0, number) for number in range(len(places))]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
sock.setblocking(False)
sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)
sock.setsockopt(socket.SOL_SOCKET, 35, 1)
for first in range(0, len(places), 64):
    for packet, place in zip(packets[first : first + 64], places[first : first + 64]):
        sock.sendto(packet, place)
    try:
        while True:
            sock.recvmsg(76, 64)
    except BlockingIOError:
        pass
"""

TASKS = "from runner.tasks import namespace\n"
INVOKE = (sys.executable, "-m", "invoke")


@dataclass(frozen=True)
class Cost:
    """The figures of one run: seconds of wall and processor time, peak memory in bytes, hosts called down."""

    wall_s: float
    cpu_s: float
    memory: int
    down: int


def addresses(count: int, silent: int) -> list[str]:
    chosen = [str(ANSWERING + number) for number in range(count - silent)]
    chosen += [str(SILENT + number) for number in range(silent)]
    random.Random(1).shuffle(chosen)
    return chosen


def run(command: Sequence[str], folder: str) -> Cost:
    """Run a command in the near namespace, in a folder, and measure this process alone."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["ip", "netns", "exec", NEAR, *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=as_installed(HOME=folder, XDG_STATE_HOME=folder),
    )
    assert process.stdout
    lines = process.stdout.read().split()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    wall_s = time.monotonic() - began
    down = int(lines[0]) if len(lines) == 1 and lines[0].isdigit() else len(lines)
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, down)


@dataclass(frozen=True)
class Contest:
    """The measured commands by name, and for each the name of the command without hosts to subtract."""

    commands: dict[str, list[str]]
    bases: dict[str, str]

    def measure(self, runs: int, folder: str) -> dict[str, list[Cost]]:
        costs: dict[str, list[Cost]] = {name: [] for name in self.commands}
        for _ in range(runs):
            for name, command in self.commands.items():
                costs[name].append(run(command, folder))
        return costs


def contest(folder: Path, timeout_s: float, tries: int) -> Contest:
    some, none = str(folder / "hosts"), str(folder / "none")
    asked = [str(timeout_s), str(tries)]
    probing, floor = [sys.executable, "-c", PROBE], [sys.executable, "-c", FLOOR]
    flags = ["--method", "icmp", "--rate", "0", "--ping-timeout", f"{timeout_s}", "--ping-tries", str(tries)]
    ping = [*INVOKE, "ping", "-i", "hosts", "--down", *flags]
    milliseconds = str(round(timeout_s * 1000))
    fping = ["fping", "-u", "-i", "0.01", "-B", "1", "-t", milliseconds, "-r", str(tries - 1), "-f", some]
    return Contest(
        {
            "fping": fping,
            "kernel": [*floor, some],
            "probing": [*probing, some, *asked],
            "invoke ping --no-history": [*ping, "--no-history"],
            "invoke ping": ping,
            "kernel, idle": [*floor, none],
            "probing, idle": [*probing, none, *asked],
            "invoke --list": [*INVOKE, "--list"],
        },
        {
            "kernel": "kernel, idle",
            "probing": "probing, idle",
            "invoke ping --no-history": "invoke --list",
            "invoke ping": "invoke --list",
        },
    )


def compare(hosts: int, silent: int, timeout_s: float, tries: int, runs: int) -> None:
    """Measure all commands in turns, and print medians and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "hosts").write_text("\n".join(addresses(hosts, silent)) + "\n")
        (folder / "none").write_text("")
        (folder / "tasks.py").write_text(TASKS)
        chosen = contest(folder, timeout_s, tries)
        costs = chosen.measure(runs, name)
    floor_s = timeout_s * tries
    print(f"{hosts} hosts, {silent} of them silent; timeout x tries = {floor_s:g} s; {runs} runs each")
    for competitor in ("fping", *chosen.bases):
        show(competitor, costs, chosen.bases.get(competitor), hosts, floor_s)
    for competitor in ("fping", *(each for each in chosen.bases if each != "kernel")):
        wrong = [cost.down - silent for cost in costs[competitor]]
        print(f"  {competitor}: {sum(map(abs, wrong))} hosts falsely called down or up in {runs} runs")


def show(name: str, costs: dict[str, list[Cost]], base: str | None, hosts: int, floor_s: float) -> None:
    """Print the cost of one command beyond its base, and as a multiple of fping's."""
    cost = {
        what: median(costs[name], what) - (median(costs[base], what) if base else 0)
        for what in ("wall_s", "cpu_s", "memory")
    }
    wall, cpu = (cost[what] / median(costs["fping"], what) for what in ("wall_s", "cpu_s"))
    print(
        f"  {name:26} wall {cost['wall_s']:5.2f} s ({wall:.2f}x of fping, "
        f"{cost['wall_s'] / floor_s:.2f}x of timeout x tries)  "
        f"CPU {cost['cpu_s']:.3f} s ({cpu:.2f}x)  memory {cost['memory'] / hosts:5.0f} bytes a host"
    )


def median(costs: Sequence[Cost], what: str) -> float:
    return float(statistics.median(getattr(cost, what) for cost in costs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--silent", type=int, default=500)
    parser.add_argument("--timeout", type=float, default=0.5, help="seconds for each try")
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    with network():
        for command in (PERMITTED, RESOLVED):
            subprocess.run(["ip", "netns", "exec", NEAR, *command], check=True)
        compare(chosen.hosts, chosen.silent, chosen.timeout, chosen.tries, chosen.runs)


if __name__ == "__main__":
    main()
