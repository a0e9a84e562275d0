"""Commands and scripts on a real Dropbear, whose signals reach the shell alone."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.command import CommandOptions
from runner.connection.command.shells import line
from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.jobs import CommandJob, perform
from runner.models import Host, Status
from runner.transfer.jobs import TransferJob
from runner.transfer.script import Script
from tests.connection.sshd import free_port, make_key, required_program

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.xdist_group("dropbear")

SERVE = 'mount --bind "$1/etc" /etc && shift && exec "$@"'


@contextmanager
def dropbear(folder: Path) -> Iterator[int]:
    """Run a server in whose namespace root's home folder is `folder`; return its port."""
    port = free_port()
    subprocess.run(["cp", "-a", "/etc", str(folder / "etc")], check=True)
    passwd = folder / "etc" / "passwd"
    passwd.write_text(passwd.read_text().replace(":/root:", f":{folder}:"))
    (folder / ".ssh").mkdir(mode=0o700)
    (folder / ".ssh" / "authorized_keys").write_text((folder / "login.pub").read_text())
    key = ["-t", "ed25519", "-f", str(folder / "host")]
    subprocess.run([required_program("dropbearkey"), *key], check=True, capture_output=True)
    words = ["unshare", "--mount", "sh", "-c", SERVE, "sh", str(folder), required_program("dropbear")]
    flags = ["-F", "-E", "-r", str(folder / "host"), "-p", f"127.0.0.1:{port}", "-s"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*words, *flags], stderr=log, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while "Not backgrounding" not in (folder / "log").read_text() and time.monotonic() < end:
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs a mount namespace, which only root can make")
    with tempfile.TemporaryDirectory(prefix="runner-dropbear-") as name:
        Path(name).chmod(0o755)
        make_key(Path(name, "login"))
        yield Path(name)


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with dropbear(folder) as port:
        yield port


@pytest.fixture(params=["ssh", "openssh"])
def host(port: int, request: pytest.FixtureRequest) -> Host:
    place = {"ansible_host": "127.0.0.1", "ansible_port": port}
    return Host("dropbear", {**place, "ansible_connection": request.param})


@pytest.fixture
def options(folder: Path) -> ConnectionOptions:
    return ConnectionOptions(
        user="root",
        private_keys=(str(folder / "login"),),
        known_hosts=(str(folder / "known_hosts"),),
        host_key_policy=HostKeyPolicy.ACCEPT_NEW,
        ssh_config=None,
        command_timeout_s=3.0,
    )


def test_what_a_command_is_given_arrives(host: Host, options: ConnectionOptions) -> None:
    given = CommandOptions(stdin=b"words", environment=(("ONE", "a\\b 'c'"),), directory="/usr/bin")
    result = perform(host, CommandJob(('echo "$ONE"; pwd; cat',), given), options)

    assert result.stdout == "a\\b 'c'\n/usr/bin\nwords", result.error


def test_every_byte_of_an_argument_arrives(host: Host, options: ConnectionOptions) -> None:
    every = bytes(range(1, 256))
    job = CommandJob((line("printf", "%s", every.decode("utf-8", "surrogateescape")),))

    assert perform(host, job, options).commands[0].stdout_bytes == every


def test_a_script_over_its_deadline_is_ended_and_removed(
    host: Host, options: ConnectionOptions, tmp_path: Path
) -> None:
    (tmp_path / "job.sh").write_text('#!/bin/sh\necho "$0"; exec sleep 300\n')
    result = perform(host, TransferJob(Script.of_file(tmp_path / "job.sh")), options)
    path, end = Path(result.stdout.strip()), time.monotonic() + 20
    while path.exists() and time.monotonic() < end:
        time.sleep(0.05)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline"), result.error
    assert path.name.startswith(".runner-")
    assert not path.exists()
