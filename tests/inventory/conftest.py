"""Ansible as the judge, and inventories written as text."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Verdict:
    """What Ansible said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def read_everything(self) -> bool:
        """Whether no source was given up: Ansible says so in a warning only."""
        return self.exit_code == 0 and "Unable to parse" not in self.stderr

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)

    @property
    def hosts(self) -> list[str]:
        """The names that `--list-hosts` printed below its heading."""
        return [line.strip() for line in self.stdout.splitlines()[1:]]


class Ansible:
    """Runs Ansible's commands in a server process that has them loaded."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(HERE / "ansible_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, folder: Path, *arguments: str) -> Verdict:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([str(folder), arguments]) + "\n")
        self._server.stdin.flush()
        return Verdict(*json.loads(self._server.stdout.readline()))

    def listing(self, folder: Path, *sources: str, more: tuple[str, ...] = ()) -> Verdict:
        flags = [flag for source in sources for flag in ("-i", source)]
        return self(folder, "ansible-inventory", *flags, "--list", *more)

    def close(self) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(30)
        assert self._server.stdout is not None
        self._server.stdout.close()


@pytest.fixture(scope="session")
def ansible() -> Iterator[Ansible]:
    """Ansible's commands; skips without ansible-core, unless the lab is required to be whole."""
    if importlib.util.find_spec("ansible") is None:
        if os.environ.get("RUNNER_REQUIRE_LAB") == "1":
            pytest.fail("ansible-core is not installed, and RUNNER_REQUIRE_LAB=1 wants it")
        pytest.skip("ansible-core is not installed")
    judge = Ansible()
    yield judge
    judge.close()
