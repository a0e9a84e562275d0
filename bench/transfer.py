"""Put and get one file, and a folder of small ones: compared with OpenSSH's `sftp` on a real OpenSSH server.

The tools take turns. The output has medians, ratios of speed (above 1: ours is faster), and the client's
processor time, which is more reliable if the machine is busy. Each time includes connecting, logging in, the
transfer and closing. Ours verifies the copy by SHA-256 and replaces the file atomically; `plain` is ours with
--no-checksum. `python bench/transfer.py [MEGABYTES] [ROUNDS]`.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from runner.connection.connections import Connections  # noqa: E402 - from the checkout
from runner.fanout import FanoutOptions, stream  # noqa: E402
from runner.jobs import perform  # noqa: E402
from runner.jobs.transfers import TransferJob  # noqa: E402
from runner.reach import ReachOptions  # noqa: E402
from runner.transfer.copying import Options  # noqa: E402
from runner.transfer.moves import Get, Put  # noqa: E402
from tests.connection.sshd import Sshd, running_sshd  # noqa: E402 - the tests' server

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.transfer.moves import Transfer

MEGABYTE = 2**20
SMALL = 200


def ours(server: Sshd, transfer: Transfer) -> None:
    result = perform(server.host(), TransferJob(transfer), server.options())
    assert result.ok, result.error


def sftp(server: Sshd, batch: str) -> None:
    options = ["-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "IdentitiesOnly=yes", "-F", "none"]
    login = ["-P", str(server.port), "-i", str(server.key), *options, f"{server.user}@{server.address}"]
    subprocess.run(["sftp", "-q", "-b", "-", *login], input=batch.encode(), check=True, capture_output=True)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return the wall seconds of a call, and the processor seconds of this process and its ended children."""
    begin, before = time.perf_counter(), cpu_s()
    work()
    return time.perf_counter() - begin, cpu_s() - before


def cpu_s() -> float:
    found = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in found)


def cases(server: Sshd, here: Path, there: Path) -> dict[str, dict[str, Callable[[], None]]]:
    """Return the calls by case and tool; each call uses new file names, because equal files are not sent."""
    large, small = here / "large", here / "small"
    number = iter(range(10**6))

    def place(kind: str) -> str:
        return str(there / f"{kind}-{next(number)}")

    plain = Options(checksum=False)
    return {
        "put": {
            "sftp": lambda: sftp(server, f"put {large} {place('large')}\n"),
            "runner": lambda: ours(server, Put(str(large), place("large"))),
            "plain": lambda: ours(server, Put(str(large), place("large"), plain)),
        },
        "get": {
            "sftp": lambda: sftp(server, f"get {there}/source {here}/got-{next(number)}\n"),
            "runner": lambda: ours(server, Get(f"{there}/source", str(here / f"got-{next(number)}"))),
            "plain": lambda: ours(server, Get(f"{there}/source", str(here / f"got-{next(number)}"), plain)),
        },
        f"put {SMALL} files": {
            "sftp": lambda: sftp(server, f"put -R {small} {place('small')}\n"),
            "runner": lambda: ours(server, Put(str(small), place("small"))),
            "plain": lambda: ours(server, Put(str(small), place("small"), plain)),
        },
    }


def memory_of_many(server: Sshd, here: Path, there: Path, hosts: int) -> None:
    """Print how much memory it takes to put a large file to many hosts at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = stream(
        [server.host(f"h{index}") for index in range(hosts)],
        TransferJob(Put(str(here / "large"), f"{there}/many", Options(checksum=False))),
        run="bench",
        connecting=Connections(server.options()),
        options=FanoutOptions(workers=hosts, ping=False),
        reach=ReachOptions(),
    )
    assert all(result.ok for result in results)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{hosts} hosts at once: {grown:.0f} MB of memory more ({grown / hosts:.1f} MB a host)")


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory(prefix="runner-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        here, there = folder / "here", folder / "there"
        for made in (here, there, here / "small"):
            made.mkdir()
        there.chmod(0o777)
        content = os.urandom(megabytes * MEGABYTE)
        (here / "large").write_bytes(content)
        (there / "source").write_bytes(content)
        for index in range(SMALL):
            (here / "small" / f"f{index}").write_bytes(content[index : index + 4096])
        with running_sshd(folder / "sshd") as server:
            print(f"{megabytes} MB, {rounds} rounds, median seconds (speed against sftp)")
            for case, tools in cases(server, here, there).items():
                times: dict[str, list[tuple[float, float]]] = {tool: [] for tool in tools}
                for _ in range(rounds):
                    for tool, work in tools.items():
                        times[tool].append(timed(work))
                        remove_copies(here, there)
                middle = {
                    tool: tuple(map(statistics.median, zip(*found, strict=True)))
                    for tool, found in times.items()
                }
                shown = partial(row, base=middle["sftp"][0])
                print(f"{case:14}" + "".join(shown(tool, *found) for tool, found in middle.items()))
            memory_of_many(server, here, there, 20)


def remove_copies(here: Path, there: Path) -> None:
    for path in [*here.glob("got-*"), *there.glob("*-*")]:
        subprocess.run(["rm", "-rf", str(path)], check=True)


def row(tool: str, seconds: float, cpu: float, base: float) -> str:
    return f"{tool:>10} {seconds:6.3f} ({base / seconds:4.2f}x) CPU {cpu:5.3f}"


if __name__ == "__main__":
    main()
