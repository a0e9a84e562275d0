"""Files and scripts where start-up files print, or SFTP is not there: they work, or the advice does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.connection.command.become import Become
from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import Secret, Status
from runner.transfer.moves import Get, Put
from runner.transfer.script import Script
from tests.connection.command.test_become import HASHED, PASSWORD
from tests.connection.servers import running_server
from tests.connection.sshd import Sshd, required_program, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.models import HostResult
    from runner.transfer.moves import Transfer

NOISE = "echo Welcome\nprintf 'no line'\necho careful >&2\n"
CONTENT = b"a file\n" * 1000
SCP = {"ansible_ssh_transfer_method": "scp"}
both = pytest.mark.parametrize("way", ["ssh", "openssh"])


@pytest.fixture(scope="module", params=["no SFTP", "SFTP"])
def server(request: pytest.FixtureRequest) -> Iterator[Sshd]:
    """A server with an account whose start-up file prints into everything, and with SFTP or without."""
    if os.geteuid() != 0:
        pytest.skip("needs an account with bash and a start-up file, which only root can make")
    program = "" if request.param == "no SFTP" else "Subsystem sftp /usr/lib/openssh/sftp-server\n"
    with temporary_sshd(program, sftp=False, shells={"noisy": required_program("bash")}) as server:
        (server.home / ".bashrc").write_text(NOISE)
        yield server


def has_sftp(server: Sshd) -> bool:
    return "Subsystem" in (server.folder / "sshd_config").read_text()


def outcome(server: Sshd, way: str, transfer: Transfer, **variables: object) -> HostResult:
    host = server.host(ansible_connection=way, ansible_user="noisy", **variables)
    return perform(host, TransferJob(transfer), server.options(user=None))


@both
def test_a_file_goes_there_and_back(server: Sshd, way: str, tmp_path: Path, there: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    put = Put(str(tmp_path / "file"), f"{there}/a b")
    variables: dict[str, object] = {}
    if has_sftp(server):
        error = outcome(server, way, put).error or ""
        assert "may print only if [ -t 1 ]; or set ansible_ssh_transfer_method: scp" in error
        variables = SCP  # as it says
    sent = outcome(server, way, put, **variables)
    got = outcome(server, way, Get(f"{there}/a b", str(tmp_path / "back")), **variables)

    assert (sent.status, got.status) == (Status.OK, Status.OK), (sent.error, got.error)
    assert (there / "a b").read_bytes() == CONTENT
    assert next((tmp_path / "back").rglob("a b")).read_bytes() == CONTENT


def test_when_the_start_up_file_is_mended_as_is_said_sftp_works(
    server: Sshd, tmp_path: Path, there: Path
) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    path = server.home / ".bashrc"
    path.write_text(f"if [ -t 1 ]; then\n{NOISE}fi\n")
    try:
        result = outcome(server, "ssh", Put(str(tmp_path / "file"), f"{there}/mended"))
    finally:
        path.write_text(NOISE)

    assert result.ok, result.error


@both
def test_a_script_runs(server: Sshd, way: str, tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/sh\necho ran\nexit 3\n")
    result = outcome(server, way, Script.of_file(tmp_path / "job.sh"))

    assert result.commands[0].exit_code == 3
    assert result.stdout.endswith("no lineran\n")


def test_a_server_of_one_command_a_connection_says_so(tmp_path: Path, there: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/sh\necho ran\n")
    with running_server("tinyssh") as server:
        host, options = server.host(ansible_connection="openssh"), server.options()
        put = perform(host, TransferJob(Put(str(tmp_path / "job.sh"), f"{there}/file")), options)
        script = perform(host, TransferJob(Script.of_file(tmp_path / "job.sh")), options)

    assert "(tinyssh) cannot transfer files, but can run scripts" in (put.error or "")
    assert script.stdout == "ran\n"


@both
@pytest.mark.parametrize("permitted", [True, False])
def test_doas_moves_files_as_it_is_said_that_it_would(
    way: str, permitted: bool, tmp_path: Path, there: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs rules of doas, which only root can make")
    required_program("doas")
    (tmp_path / "file").write_bytes(CONTENT)
    put = TransferJob(Put(str(tmp_path / "file"), f"{there}/file"))
    rule = f"permit {'nopass ' if permitted else ''}ordinary as root\n"
    with temporary_sshd(password_hash=HASHED, doas=rule) as server:
        host = server.host(ansible_connection=way)
        as_root = [Become("doas", "root", Secret(PASSWORD)), Become("doas", "root")]
        given, none = (
            perform(host, put, server.options(become=True, become_as=become)) for become in as_root
        )

    assert given.reason == "become-terminal"
    assert "permit it without a password (nopass) and give none" in (given.error or "")
    assert none.reason == (None if permitted else "become-password"), none.error
