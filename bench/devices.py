"""Ask network devices by their interactive CLI: ours compared with netmiko, and with Nornir and netmiko.

The devices are the demo's IOS-like routers, which refuse exec requests. A process of its own serves them on
the same machine; its processor time is shown separately. `ours` is `runner.run` with
`ansible_connection: network_cli`; it checks host keys, and netmiko by default does not. All log in by
password. Both sides get their hosts from memory and keep no history. Each measured program is a process of
its own. The bench fails if an answer is not what the device printed.

- One device, `show version`: the seconds of the import, of the first call in a process, and of later calls,
  each with a login of its own. Closing the connection counts for ours but not for netmiko.
- Many devices, two shows each, 50 at once: wall time, processor time of the client, and its peak memory, all
  with start-up. Nornir keeps connections open until the end, and each has a thread that looks ten times a
  second; so it is also measured with a task that closes the connection of its device, as few scripts do.

Latency is that of the demo devices: they take in what a client sends so many seconds late, and answer at
once. So it is the round-trip time of everything after the TCP handshake, the same for both sides, and any
number of messages may be on the way.

`python bench/devices.py [DEVICES [ROUNDS]]` prints the medians of rounds in which both take turns. It needs
`pip install nornir nornir-netmiko`, for which this project has no extra.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import _measuring  # noqa: E402 - from the checkout
from bench._device_clients import Place  # noqa: E402
from bench._environment import as_installed  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.demo import Device

ONE = ["show version"]
TWO = ["show version", "show ip interface brief"]
WORKERS = 50
CALLS = 4
LATENCIES_MS = (0, 100)
MOST_S = 900
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The time on all devices: `show version` tells how long one has been up."""


def devices(count: int, latency_ms: float) -> tuple[Device, ...]:
    """Return the devices, each with an address of its own, like real ones."""
    from runner.demo import DEMO_DEVICES, replicas  # noqa: PLC0415 - only the server needs it

    model = replace(DEMO_DEVICES[0], answers_exec=False, latency_s=latency_ms / 1000)
    return tuple(
        replace(device, address=f"127.1.{number >> 8}.{number & 255}")
        for number, device in enumerate(replicas(model, count), 1)
    )


def answers(device: Device) -> list[str]:
    """Return what a device prints for the two shows."""
    from runner.demo.cli.ios import IOS  # noqa: PLC0415
    from runner.demo.cli.session import Session  # noqa: PLC0415
    from runner.demo.cli.state import DeviceState  # noqa: PLC0415

    session = Session(DeviceState(device, lambda: NOW), IOS)
    return [session.execute(line) for line in TWO]


def serve(count: int, latency_ms: float, folder: Path) -> None:
    """Serve the devices until standard input ends; write down how to reach them and what they answer."""
    from runner.demo import Fleet  # noqa: PLC0415

    logging.disable(logging.WARNING)  # asyncio's, about clients that hang up
    with Fleet(devices(count, latency_ms), now=lambda: NOW) as fleet:
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(fleet.known_hosts())
        model = fleet.devices[0]
        hosts = [(device.name, *fleet.endpoint(device.name)) for device in fleet.devices]
        place = Place(hosts, model.user, model.password, str(known_hosts), TWO, WORKERS, CALLS)
        right = {device.name: answers(device) for device in fleet.devices}
        (folder / "served.json").write_text(json.dumps({"place": place._asdict(), "right": right}))
        print("ready", flush=True)
        sys.stdin.read()


class Bench:
    """The devices that one process serves, and the programs that ask them.

    Args:
        folder: A folder for files.
        server: The process id of the server.
    """

    def __init__(self, folder: Path, server: int) -> None:
        served = json.loads((folder / "served.json").read_text())
        self._place = Place(**served["place"])
        self._right: dict[str, list[str]] = served["right"]
        self._folder = folder
        self._server = server

    def run(self, program: str, commands: list[str]) -> tuple[list[float], dict[str, Any]]:
        """Run one program; return its usage and the document that it printed.

        The usage is wall, the client's processor time, the server's, and the client's memory.
        """
        file = self._folder / "place.json"
        file.write_text(json.dumps(self._place._replace(commands=commands)._asdict()))
        _measuring.settle(self._server)
        before = _measuring.cpu_s(self._server)
        command = [sys.executable, str(ROOT / "bench" / "_device_clients.py"), program, str(file)]
        spent = _measuring.run(command, MOST_S)
        if spent.exit_code != 0:
            raise SystemExit(f"{program}: exit code {spent.exit_code}")
        served_s = _measuring.cpu_s(self._server) - before
        return [spent.wall_s, spent.cpu_s, served_s, spent.peak_mb], json.loads(spent.said)

    def one(self, rounds: int) -> dict[str, list[float]]:
        """Ask one device by each program; return the medians of import, first call and later calls."""
        found: dict[str, list[list[float]]] = {"ours once": [], "netmiko once": []}
        name = self._place.hosts[0][0]
        for program in _measuring.turns(list(found), rounds):
            _, said = self.run(program, ONE)
            for answer in said["answers"]:
                self._check(program, name, answer)
            first, *later = said["calls_s"]
            found[program].append([said["import_s"], first, statistics.median(later)])
        return {program: medians(runs) for program, runs in found.items()}

    def many(self, rounds: int) -> dict[str, list[float]]:
        """Ask all devices by each program; return the medians of its usage."""
        found: dict[str, list[list[float]]] = {"ours": [], "nornir": [], "nornir closing": []}
        for program in _measuring.turns(list(found), rounds):
            usage, said = self.run(program, TWO)
            if said.keys() != self._right.keys():
                raise SystemExit(f"{program}: {len(said)} of {len(self._right)} devices have an answer")
            for name, answer in said.items():
                self._check(program, name, answer)
            found[program].append(usage)
        return {program: medians(runs) for program, runs in found.items()}

    def _check(self, program: str, name: str, found: list[str]) -> None:
        """Compare the answers of a device with what it printed; line ends and margins are no difference."""
        right = self._right[name][: len(found)]
        if not found or [*map(normalized, found)] != [*map(normalized, right)]:
            raise SystemExit(f"{program}: {name} printed {right!r}, but the answer is {found!r}")


def normalized(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def medians(runs: list[list[float]]) -> list[float]:
    return [statistics.median(values) for values in zip(*runs, strict=True)]


@contextlib.contextmanager
def served(count: int, latency_ms: float) -> Iterator[Bench]:
    """Serve devices from another process during the context."""
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as folder:
        command = [sys.executable, __file__, "--serve", str(count), str(latency_ms), folder]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, env=as_installed(), **pipes) as process:
            assert process.stdout
            try:
                if not process.stdout.readline():
                    raise SystemExit("the demo devices did not start")
                yield Bench(Path(folder), process.pid)
            finally:
                process.kill()


def compare(count: int, latency_ms: float, rounds: int) -> None:
    """Measure and print both comparisons at one latency."""
    with served(count, latency_ms) as bench:
        bench.run("ours once", ONE)  # this writes byte code; the others were installed with it
        print(f"{latency_ms} ms, one device, one show", flush=True)
        ours, theirs = bench.one(rounds).values()
        print(f"    ours            {seconds(ours)}\n    netmiko         {seconds(theirs)}")
        print(
            f"    ours is {ours[2] / theirs[2]:.2f}x at later calls, {ours[1] / theirs[1]:.2f}x at the first,"
            f" {sum(ours[:2]) / sum(theirs[:2]):.2f}x with the import",
            flush=True,
        )
        print(f"{latency_ms} ms, {count} devices, two shows each, {WORKERS} at once", flush=True)
        found = bench.many(rounds)
        for program, (wall_s, cpu_s, served_s, peak_mb) in found.items():
            print(f"    {program:15} {wall_s:6.2f} s wall, {cpu_s:6.2f} s CPU, {peak_mb:4.0f} MB", end="")
            print(f"   ours is {found['ours'][0] / wall_s:.2f}x, {found['ours'][1] / cpu_s:.2f}x CPU", end="")
            print(f"   (server {served_s:.2f} s CPU)", flush=True)


def seconds(found: list[float]) -> str:
    import_s, first_s, later_s = found
    return f"import {import_s:.3f} s, first call {first_s:.3f} s, later calls {later_s:.3f} s"


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
        return
    if not all(map(importlib.util.find_spec, ("nornir", "nornir_netmiko"))):
        raise SystemExit("Nornir is not installed: pip install nornir nornir-netmiko")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"medians of {rounds} rounds", flush=True)
    for latency_ms in LATENCIES_MS:
        compare(count, latency_ms, rounds)


if __name__ == "__main__":
    main()
