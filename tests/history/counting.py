"""A real SSH server that stands for many hosts, told apart by user name, and counts what is run on each."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import asyncssh

from tests.projects import Project

from .runs import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class _Door(asyncssh.SSHServer):
    def __init__(self, inside: set[_Door]) -> None:
        self._inside = inside

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:  # noqa: ARG002 - asyncssh's shape
        self._inside.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's shape
        self._inside.discard(self)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002 - asyncssh's shape
        return True


class CountingServer:
    """Listens from the moment it is entered until it is left."""

    def __init__(self, hosts: Sequence[str], slowest_s: float) -> None:
        self.hosts = tuple(hosts)
        self.port = 0
        self.key = ""
        self._slowest_s = slowest_s
        self._runs: Counter[str] = Counter()
        self._inside: set[_Door] = set()
        self._lock = threading.Lock()
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(30)
        return self

    def __exit__(self, *_exc: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def take_runs(self) -> Counter[str]:
        """Return how often each host ran a command since this was last asked, once everybody has left."""
        until(lambda: not self._inside)
        with self._lock:
            runs, self._runs = self._runs, Counter()
        return runs

    def inventory(self) -> dict[str, Any]:
        common = {"ansible_host": "127.0.0.1", "ansible_port": self.port, "ansible_password": "x"}
        return {"all": {"hosts": {name: {"ansible_user": name} for name in self.hosts}, "vars": common}}

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.key = key.export_public_key().decode().strip()
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Door(self._inside),
            server_host_keys=[key],
            process_factory=self._run,
        )
        self.port = server.get_port()
        self._listening.set()
        await self._stop.wait()
        server.close()

    async def _run(self, process: asyncssh.SSHServerProcess[str]) -> None:
        host = process.get_extra_info("username")
        with self._lock:
            self._runs[host] += 1
        await asyncio.sleep(random.uniform(0, self._slowest_s))
        process.stdout.write(f"{host} was here\n")
        process.exit(0)


def project_of(server: CountingServer, folder: Path, *settings: str) -> Project:
    """Return a project with the hosts of a server, a history, and further lines of its configuration."""
    made = Project(folder)
    made.write("inventories/hosts.yml", json.dumps(server.inventory()))
    made.write("known_hosts", f"[127.0.0.1]:{server.port} {server.key}\n")
    lines = ("known_hosts: known_hosts", "history: kept.sqlite3", *settings)
    made.write("invoke.yaml", "runner:\n" + "".join(f"  {line}\n" for line in lines))
    made.write("tasks.py", "from runner.tasks import namespace\n")
    server.take_runs()
    return made
