"""Connect, log in, run `true`, close: `runner` compared with other tools on one real OpenSSH server.

Each installed tool has a separate process; only ours checks the host key. They take turns, host by host and
run by run, so that other load on the machine affects all alike. The output has medians, and each median as a
multiple of ours.

`python bench/connect.py [--rounds N] [--hosts N ...] [--tools NAME ...]` prints for each tool milliseconds of
one host after the other, and, with 50 hosts at once, seconds of wall for all and milliseconds of the tool's
processor time for each. The server runs on the same machine.
"""

# ruff: noqa: PLC0415 - a tool is imported only if it is measured

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import _measuring  # noqa: E402 - from the checkout
from tests.connection.sshd import running_sshd  # noqa: E402 - the tests' server

ONE_BY_ONE = 10  # a round
WORKERS = 50


class Ours:
    def __init__(self, place: dict[str, Any]) -> None:
        from runner.connection.options import ConnectionOptions

        self.place = place
        self.options = ConnectionOptions(
            user=place["user"],
            private_keys=(place["key"],),
            known_hosts=(place["known_hosts"],),
            retries=0,
            ssh_config=None,
        )

    def hosts(self, count: int) -> list[Any]:
        from runner.models import Host

        variables = {"ansible_host": self.place["address"], "ansible_port": self.place["port"]}
        return [Host(f"h{number}", variables) for number in range(count)]

    def one(self) -> None:
        from runner.jobs import CommandJob, perform

        assert perform(self.hosts(1)[0], CommandJob(("true",)), self.options).ok

    def many(self, count: int) -> None:
        from runner.connection.connections import Connections
        from runner.fanout import FanoutOptions, stream
        from runner.jobs import CommandJob
        from runner.reach import ReachOptions

        results = stream(
            self.hosts(count),
            CommandJob(("true",)),
            run="bench",
            connecting=Connections(self.options),
            options=FanoutOptions(workers=WORKERS, ping=False),
            reach=ReachOptions(),
        )
        assert all(result.ok for result in results)


class Asyncssh:
    def __init__(self, place: dict[str, Any]) -> None:
        self.place = place

    async def _one(self) -> None:
        import asyncssh

        place = self.place
        async with asyncssh.connect(
            place["address"],
            place["port"],
            username=place["user"],
            client_keys=[place["key"]],
            known_hosts=None,
            agent_path=None,
            config=None,
        ) as connection:
            assert (await connection.run("true")).exit_status == 0

    def one(self) -> None:
        asyncio.run(self._one())

    def many(self, count: int) -> None:
        async def all_of_them() -> None:
            room = asyncio.Semaphore(WORKERS)

            async def bounded() -> None:
                async with room:
                    await self._one()

            await asyncio.gather(*(bounded() for _ in range(count)))

        asyncio.run(all_of_them())


class ParallelSsh:
    def __init__(self, place: dict[str, Any]) -> None:
        self.place = place

    def many(self, count: int) -> None:
        from pssh.clients import ParallelSSHClient

        place = self.place
        client = ParallelSSHClient(
            [place["address"]] * count,
            user=place["user"],
            port=place["port"],
            pkey=place["key"],
            pool_size=WORKERS,
            num_retries=0,
            allow_agent=False,
        )
        output = client.run_command("true")
        client.join(output)
        assert all(host.exit_code == 0 for host in output)

    def one(self) -> None:
        self.many(1)


class Fabric:
    def __init__(self, place: dict[str, Any]) -> None:
        self.place = place

    def one(self) -> None:
        from fabric import Config, Connection

        place = self.place
        arguments = {"key_filename": place["key"], "look_for_keys": False, "allow_agent": False}
        config = Config(overrides={"load_ssh_configs": False})
        with Connection(
            place["address"], place["user"], place["port"], config=config, connect_kwargs=arguments
        ) as connection:
            assert connection.run("true", hide=True, in_stream=False).ok

    def many(self, count: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(lambda _: self.one(), range(count)))


class Pyinfra:
    def __init__(self, place: dict[str, Any]) -> None:
        from gevent import monkey

        monkey.patch_all()
        self.place = place

    def many(self, count: int) -> None:
        from gevent.pool import Pool
        from pyinfra.api import Config, Inventory, State
        from pyinfra.api.connect import connect_all, disconnect_all

        place = self.place
        shared = {
            "ssh_hostname": place["address"],
            "ssh_port": place["port"],
            "ssh_user": place["user"],
            "ssh_key": place["key"],
            "ssh_known_hosts_file": place["known_hosts"],
            "ssh_look_for_keys": False,
            "ssh_allow_agent": False,
        }
        hosts = [(f"h{number}", shared) for number in range(count)]
        state = State(Inventory((hosts, {})), Config(PARALLEL=WORKERS))
        connect_all(state)
        done = Pool(WORKERS).map(lambda host: host.run_shell_command("true")[0], list(state.activated_hosts))
        assert len(done) == count
        assert all(done)
        disconnect_all(state)

    def one(self) -> None:
        self.many(1)


TOOLS: dict[str, tuple[str, Any]] = {
    "runner": ("runner", Ours),
    "asyncssh": ("asyncssh", Asyncssh),
    "parallel-ssh": ("pssh", ParallelSsh),
    "fabric": ("fabric", Fabric),
    "pyinfra": ("pyinfra", Pyinfra),
}


def processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def serve(name: str, place: dict[str, Any]) -> None:
    """Run as one tool: for each line of input, connect to that number of hosts and print the times."""
    tool = TOOLS[name][1](place)
    tool.one()
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        processor, begin = processor_s(), time.perf_counter()
        if count == 1:
            tool.one()
        else:
            tool.many(count)
        print(json.dumps([time.perf_counter() - begin, processor_s() - processor]), flush=True)


class Turns:
    """The processes of the tools, measured in turns."""

    def __init__(self, names: list[str], place: dict[str, Any]) -> None:
        self._names = names
        self._processes = {
            name: subprocess.Popen(
                [sys.executable, __file__, "--serve", name, json.dumps(place)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in names
        }
        for name in names:
            assert self._heard(name) == "ready"

    def close(self) -> None:
        for process in self._processes.values():
            process.communicate()

    def measure(self, count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
        """Return, for each tool, the seconds of wall and of the processor that each round took."""
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in self._names}
        for name in _measuring.turns(self._names, rounds):
            stdin = self._processes[name].stdin
            assert stdin is not None
            stdin.write(f"{count}\n")
            stdin.flush()
            found[name].append(json.loads(self._heard(name)))
        return found

    def _heard(self, name: str) -> str:
        stdout = self._processes[name].stdout
        assert stdout is not None
        return stdout.readline().strip()


def show(title: str, unit: str, found: dict[str, list[float]]) -> None:
    standard = statistics.median(next(iter(found.values())))
    print(title)
    for name, values in found.items():
        middle = statistics.median(values)
        spread = f"{min(values):.1f} to {max(values):.1f}"
        print(f"  {name:14}{middle:9.2f} {unit:3}{middle / standard:7.2f}x   {spread}", flush=True)


def compare(turns: Turns, counts: list[int], rounds: int) -> None:
    alone = turns.measure(1, ONE_BY_ONE * rounds)
    show(
        "one host after the other",
        "ms",
        {name: [wall * 1000 for wall, _ in values] for name, values in alone.items()},
    )
    for count in counts:
        found = turns.measure(count, rounds)
        walls = {name: [wall for wall, _ in values] for name, values in found.items()}
        processor = {name: [used * 1000 / count for _, used in values] for name, values in found.items()}
        show(f"{count} hosts, {WORKERS} at once", "s", walls)
        show("  processor time of the tool for each of them", "ms", processor)


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], json.loads(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description="Compare SSH tools on one real server.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hosts", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--tools", nargs="*", choices=TOOLS, default=list(TOOLS))
    chosen = parser.parse_args()
    names = [name for name in chosen.tools if importlib.util.find_spec(TOOLS[name][0]) is not None]
    print("not installed:", ", ".join(sorted(set(chosen.tools) - set(names))) or "none")
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as folder:
        Path(folder).chmod(0o755)
        with running_sshd(Path(folder)) as server:
            place = {
                "address": server.address,
                "port": server.port,
                "user": server.user,
                "key": str(server.key),
                "known_hosts": str(server.known_hosts),
            }
            with closing(Turns(names, place)) as turns:
                compare(turns, chosen.hosts, chosen.rounds)


if __name__ == "__main__":
    main()
