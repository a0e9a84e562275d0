"""Connect, log in, run `true`, close: ours, asyncssh, parallel-ssh and Fabric on one real OpenSSH server.

Each tool runs in a process of its own, those that are installed; only ours checks the host key.
`python bench/connect.py [HOSTS]` prints one line a tool: median milliseconds of one host after the other,
then, with 50 hosts at once, seconds of wall for all and milliseconds of the tool's processor time for each.
"""

# ruff: noqa: PLC0415 - a tool is imported only where it is measured

from __future__ import annotations

import asyncio
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.connection.sshd import running_sshd  # noqa: E402 - the tests' server, from the checkout

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_BY_ONE = 30
WORKERS = 50
MODULES = {"runner": "runner", "asyncssh": "asyncssh", "parallel-ssh": "pssh", "fabric": "fabric"}


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
        from runner.fanout import FanoutOptions, stream
        from runner.jobs import CommandJob
        from runner.reach import ReachOptions

        results = stream(
            self.hosts(count),
            CommandJob(("true",)),
            run="bench",
            connection=self.options,
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


TOOLS = {"runner": Ours, "asyncssh": Asyncssh, "parallel-ssh": ParallelSsh, "fabric": Fabric}


def timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def measure(name: str, place: dict[str, Any], count: int) -> dict[str, float]:
    tool = TOOLS[name](place)  # type: ignore[abstract]
    tool.one()
    one = statistics.median(timed(tool.one) for _ in range(ONE_BY_ONE))
    before = resource.getrusage(resource.RUSAGE_SELF)
    wall = timed(lambda: tool.many(count))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"one_ms": one * 1000, "wall_s": wall, "cpu_ms": cpu * 1000 / count}


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]))))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
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
            print(f"{'':14}{'one by one':>14}{f'{count} hosts, {WORKERS} at once':>28}{'processor':>16}")
            for name, module in MODULES.items():
                if importlib.util.find_spec(module) is None:
                    print(f"{name:14}not installed")
                    continue
                said = subprocess.run(
                    [sys.executable, __file__, name, json.dumps(place), str(count)],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
                found = json.loads(said.splitlines()[-1])
                alone, together = f"{found['one_ms']:11.1f} ms", f"{found['wall_s']:26.2f} s"
                print(f"{name:14}{alone}{together}{found['cpu_ms']:8.2f} ms a host")


if __name__ == "__main__":
    main()
