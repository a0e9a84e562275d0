"""A real Dask cluster for tests: a scheduler and workers, each a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent.parent
_WITHIN_S = 60.0
# A process that has nothing to do looks 50 times a second how its work goes on.
_LEAN = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}


@dataclass
class Cluster:
    """Where the scheduler is, and the workers' processes."""

    address: str
    folder: Path
    stack: ExitStack
    tls: Sequence[str] = ()
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(self, resources: str = "", host: str = "127.0.0.1") -> subprocess.Popen[bytes]:
        """Start one more worker, which listens at an address."""
        command = ["dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--host", host]
        command += ["--no-dashboard", "--resources", resources] if resources else ["--no-dashboard"]
        worker = _start(self.stack, self.folder / f"worker{len(self.workers)}", [*command, *self.tls])
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Wait until the scheduler has every worker."""
        end = time.monotonic() + _WITHIN_S
        while self.log().count("Registered to:") < len(self.workers):
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        """What the processes said."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def running_cluster(
    folder: Path,
    resources: Sequence[str] = ("", ""),
    tls: Sequence[str] = (),
    host: str = "127.0.0.1",
) -> Iterator[Cluster]:
    """Start a scheduler and a worker for each of these resources; end them when the block ends."""
    with ExitStack() as stack:
        place = folder / "scheduler.json"
        protocol = ["--protocol", "tls"] if tls else []
        command = ["dask_scheduler", "--host", host, "--port", "0", "--no-dashboard"]
        command += ["--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(place), *protocol, *tls]
        scheduler = _start(stack, folder / "scheduler", command)
        end = time.monotonic() + _WITHIN_S
        while not (place.exists() and place.read_text().endswith("}")):
            assert scheduler.poll() is None, (folder / "scheduler.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        cluster = Cluster(json.loads(place.read_text())["address"], folder, stack, tls)
        for each in resources:
            cluster.add(each)
        cluster.wait_for_workers()
        yield cluster


def _start(stack: ExitStack, path: Path, command: Sequence[str]) -> subprocess.Popen[bytes]:
    path.mkdir(exist_ok=True)
    log = stack.enter_context(path.with_suffix(".log").open("ab"))
    module, *arguments = command
    if module == "dask_worker":
        arguments += ["--local-directory", str(path)]
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
        stdout=log,
        stderr=log,
        env=os.environ
        | _LEAN
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    stack.callback(process.wait, 30)
    stack.callback(process.kill)
    return process
