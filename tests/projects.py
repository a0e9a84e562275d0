"""A user's project in its own folder: the inventory of a running fleet, and the programs to run on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.demo import Fleet

ROOT = Path(__file__).parent.parent
PROGRAMS = {
    "invoke": (sys.executable, "-m", "invoke"),
    # Like the installed program, which does not import from the current folder.
    "runner": (sys.executable, "-P", "-c", "from runner.tasks.program import main; main()"),
}


@dataclass(frozen=True)
class Ended:
    """A program that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


@dataclass
class Project:
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        home = str(self.folder / "home")
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))
        own = {"HOME": home, "XDG_STATE_HOME": home, "PYTHONPATH": path, "LANG": "C.UTF-8"}
        return kept | own | self.env | extra

    @property
    def _surroundings(self) -> dict[str, Any]:
        # In a new session, a program has no terminal on which it could ask.
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return {**pipes, "start_new_session": True}

    def start(
        self,
        *words: str,
        program: str = "invoke",
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
        **io: Any,
    ) -> subprocess.Popen[bytes]:
        return Prepared(
            [*PROGRAMS[program], *words],
            cwd=folder or self.folder,
            env=self.environment(**(env or {})),
            **self._surroundings | io,
        )

    def type(self, *words: str, **how: Any) -> Ended:
        """Run a program to its end, without a terminal."""
        with self.start(*words, **how) as process:
            stdout, stderr = process.communicate(timeout=60)
        return Ended(process.returncode, stdout.decode(), stderr.decode())


def interrupt_twice(process: subprocess.Popen[bytes]) -> bytes:
    """Send SIGINT, and again after the first was handled; the kernel merges pending signals (signal(7)).

    Returns:
        The standard error of the process between the two.
    """
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    said = b""
    while b"stopping: " not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    return said


def project(folder: Path, fleet: Fleet, hosts: Mapping[str, Sequence[str]], **variables: object) -> Project:
    """Write a project; its inventory has the fleet's devices, in the given groups."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Project(folder)
    places = {device.name: fleet.endpoint(device.name) for device in fleet.devices}
    every = {
        name: {"ansible_host": place.address, "ansible_port": place.port} for name, place in places.items()
    }
    login = {"ansible_user": "demo", "ansible_password": "demo"} | variables
    groups = {group: {"hosts": dict.fromkeys(names)} for group, names in hosts.items()}
    inventory = {"all": {"hosts": every, "vars": login, "children": groups}}
    made.write("inventories/hosts.yml", json.dumps(inventory))
    made.write("known_hosts", fleet.known_hosts())
    made.write("invoke.yaml", "runner:\n  inventory: inventories\n  known_hosts: known_hosts\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made
