"""A real ssh-agent for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.connection.sshd import required_program

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def running_agent(*keys: Path) -> Iterator[Path]:
    """Start an agent that holds these keys; yield its socket, and end the agent with the context."""
    with tempfile.TemporaryDirectory(prefix="runner-agent-") as folder:
        path = Path(folder) / "socket"
        process = subprocess.Popen(
            [required_program("ssh-agent"), "-D", "-a", str(path)], stdout=subprocess.DEVNULL
        )
        try:
            while not _listens(path):
                assert process.poll() is None
                time.sleep(0.01)
            environment = {**os.environ, "SSH_AUTH_SOCK": str(path)}
            for key in keys:
                subprocess.run([required_program("ssh-add"), "-q", str(key)], check=True, env=environment)
            yield path
        finally:
            process.terminate()
            process.wait(10)


def _listens(path: Path) -> bool:
    """Return whether the agent accepts connections; its socket exists a little earlier."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def lock(key: Path, passphrase: str) -> None:
    """Give a private key a passphrase."""
    _change(key, "", passphrase)


def unlock(key: Path, passphrase: str) -> None:
    """Remove the passphrase of a private key."""
    _change(key, passphrase, "")


def _change(key: Path, old: str, new: str) -> None:
    command = [required_program("ssh-keygen"), "-q", "-p", "-P", old, "-N", new, "-f", str(key)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
