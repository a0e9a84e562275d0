"""Real SSH servers other than OpenSSH, with the same accounts as `sshd`; only root can start them."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.connection.sshd import Sshd, as_a_machine, free_port, make_key, required_program

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = ("dropbear", "tinyssh", "asyncssh")

# tinyssh accepts a key only if no folder above the file is writable by other users; /tmp is.
_HOME = "/run/home"

# tinyssh serves one connection, which it gets as its standard input.
_LISTEN = """\
import socket, subprocess, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
    while True:
        connection = listening.accept()[0]
        with connection:
            subprocess.Popen(sys.argv[2:], stdin=connection, stdout=connection)
"""


@contextmanager
def running_server(kind: str, **machine: Any) -> Iterator[Sshd]:
    """Run a server of this kind in its own folder; `machine` has the arguments for `as_a_machine`."""
    if os.geteuid() != 0:
        pytest.skip("needs a mount namespace, which only root can make")
    with tempfile.TemporaryDirectory(prefix=f"runner-{kind}-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Sshd(folder, free_port())
        make_key(server.key)
        words = as_a_machine(folder, home_there=_HOME, **machine)
        _let_in(server)
        command, host_key = globals()[f"_{kind}"](server)
        server.known_hosts.write_text(f"[{server.address}]:{server.port} {host_key}\n")
        if kind == "tinyssh":  # Paramiko does not support its only cipher
            server = replace(server, ways=("openssh",))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*words, *command], stderr=log, stdin=subprocess.DEVNULL)
        try:
            _wait_until_it_listens(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(10)


def _let_in(server: Sshd) -> None:
    folder, owner = server.home / ".ssh", server.home.stat()
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text(server.key.with_suffix(".pub").read_text())
    for path in (folder, folder / "authorized_keys"):
        os.chown(path, owner.st_uid, owner.st_gid)


def _dropbear(server: Sshd) -> tuple[list[str], str]:
    """Return the command that starts a Dropbear, and its host key."""
    key = server.folder / "host"
    make = [required_program("dropbearkey"), "-t", "ed25519", "-f", str(key)]
    told = subprocess.run(make, check=True, capture_output=True, text=True).stdout
    host_key = next(line for line in told.splitlines() if line.startswith("ssh-"))
    place = f"{server.address}:{server.port}"
    return [required_program("dropbear"), "-F", "-E", "-s", "-r", str(key), "-p", place], host_key


def _tinyssh(server: Sshd) -> tuple[list[str], str]:
    """Return the command that starts a tinyssh, and its host key."""
    keys = server.folder / "keys"
    subprocess.run([required_program("tinysshd-makekey"), str(keys)], check=True)
    public = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + (keys / "ed25519.pk").read_bytes()
    host_key = f"ssh-ed25519 {base64.b64encode(public).decode()}"
    listen = [sys.executable, "-c", _LISTEN, str(server.port)]
    return [*listen, required_program("tinysshd"), "-v", str(keys)], host_key


def _asyncssh(server: Sshd) -> tuple[list[str], str]:
    """Return the command that starts an asyncssh server, and its host key."""
    key = make_key(server.folder / "host")
    program = Path(__file__).with_name("asyncssh_server.py")
    host_key = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    return [sys.executable, str(program), str(server.port), str(key)], host_key


def _wait_until_it_listens(server: Sshd, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, server.log
        try:
            socket.create_connection((server.address, server.port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the server did not listen: {server.log}")
