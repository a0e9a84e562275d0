"""The ways that files go: by SCP, as another user, on this machine, to many hosts at once."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.command.become import Become
from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import Host, HostResult, Secret, Status
from runner.reach import ReachOptions
from runner.transfer.copying import Options
from runner.transfer.moves import Get, Put
from runner.transfer.script import Script
from tests.connection.sshd import Sshd, go_without, required_program, running_sshd, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.transfer.moves import Transfer

CONTENT = os.urandom(600_000)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(CONTENT)
    path.chmod(0o640)
    return path


# SCP ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_sftp() -> Iterator[Sshd]:
    required_program("scp")
    with temporary_sshd(sftp=False) as server:
        yield server


def by_scp(server: Sshd, transfer: Transfer, **variables: object) -> HostResult:
    return perform(server.host(**variables), TransferJob(transfer), server.options())


@pytest.mark.parametrize("name", ["copy", "a b'$(c)", "-rf"])
def test_without_sftp_a_file_goes_by_scp(
    without_sftp: Sshd, source: Path, there: Path, tmp_path: Path, name: str
) -> None:
    sent = by_scp(without_sftp, Put(str(source), f"{there}/{name}"))
    assert sent.stdout.startswith("sent 600,000 bytes, sha256 ")
    assert (there / name).read_bytes() == CONTENT
    assert stat.S_IMODE((there / name).stat().st_mode) == 0o640
    assert [path.name for path in there.iterdir()] == [name]

    again = by_scp(without_sftp, Put(str(source), f"{there}/{name}"))
    assert again.stdout.startswith("equal")

    fetched = by_scp(without_sftp, Get(f"{there}/{name}", str(tmp_path)))
    assert fetched.stdout.startswith("got 600,000 bytes")
    assert (tmp_path / "real" / name).read_bytes() == CONTENT


def test_without_sftp_folders_are_sent_and_not_fetched(
    without_sftp: Sshd, there: Path, tmp_path: Path
) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "a").write_text("a")

    assert by_scp(without_sftp, Put(str(tmp_path / "tree"), f"{there}/tree")).ok
    assert (there / "tree" / "sub" / "a").read_text() == "a"

    result = by_scp(without_sftp, Get(f"{there}/tree", str(tmp_path / "out")))
    assert (result.status, result.reason) == (Status.FAILED, "no-sftp")


@pytest.mark.parametrize(
    ("transfer", "reason"),
    [
        (Get("/etc/shadow", "{}"), "permission-denied"),
        (Get("/nowhere", "{}"), "no-such-file"),
        (Put("/etc/hostname", "/nowhere/x"), "no-such-file"),
        (Put("/etc/hostname", "/etc/x"), "permission-denied"),
    ],
)
def test_what_scp_refuses_is_told(
    without_sftp: Sshd, tmp_path: Path, transfer: Transfer, reason: str
) -> None:
    if isinstance(transfer, Get):
        transfer = Get(transfer.source, str(tmp_path))
    result = by_scp(without_sftp, transfer)

    assert (result.status, result.reason) == (Status.FAILED, reason)


def test_a_device_is_told_its_own_paths_and_nothing_is_asked_of_a_shell(
    without_sftp: Sshd, source: Path, there: Path, tmp_path: Path
) -> None:
    sent = by_scp(without_sftp, Put(str(source), f"{there}/image"), ansible_network_os="ios")
    assert sent.ok
    assert (there / "image").read_bytes() == CONTENT

    fetched = by_scp(without_sftp, Get(f"{there}/image", str(tmp_path)), ansible_network_os="ios")
    assert fetched.ok
    assert (tmp_path / "real" / "image").read_bytes() == CONTENT
    assert "sha256sum" not in without_sftp.log

    quoted = by_scp(without_sftp, Put(str(source), "flash:a b;reload"), ansible_network_os="ios")
    assert (quoted.status, quoted.reason, quoted.sent) == (Status.FAILED, "bad-name", False)


def test_a_script_goes_by_scp_too(without_sftp: Sshd, tmp_path: Path) -> None:
    (tmp_path / "job").write_text('#!/bin/sh\necho "$1"\n')

    assert by_scp(without_sftp, Script.of_file(tmp_path / "job", ("a b",))).stdout == "a b\n"


# As another user ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_sudo() -> Iterator[Sshd]:
    required_program("sudo")
    if os.geteuid() != 0:
        pytest.skip("only root can let an account of its own use sudo")
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        with running_sshd(
            Path(folder),
            sudoers="ordinary ALL=(ALL) NOPASSWD: ALL\n",
            password_hash="*",
        ) as server:
            yield server


def test_with_become_files_are_the_other_users(with_sudo: Sshd, source: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="runner-root-") as folder:
        place = Path(folder, "of-root")
        options = with_sudo.options(become=True)
        job = TransferJob(Put(str(source), str(place), Options(mode=0o600)))
        result = perform(with_sudo.host(), job, options)

        assert result.stdout.startswith("sent 600,000 bytes, sha256 "), result.error
        assert place.stat().st_uid == 0
        assert place.read_bytes() == CONTENT

        without = perform(with_sudo.host(), TransferJob(Get(str(place), str(tmp_path))), with_sudo.options())
        assert without.reason == "permission-denied"
        fetched = perform(with_sudo.host(), TransferJob(Get(str(place), str(tmp_path))), options)
        assert fetched.ok
        assert (tmp_path / "real" / "of-root").read_bytes() == CONTENT


def test_with_become_a_script_runs_as_the_other_user(with_sudo: Sshd, tmp_path: Path) -> None:
    (tmp_path / "job").write_text('#!/bin/sh\nid -un; echo "$0"\n')
    options = with_sudo.options(become=True)
    result = perform(with_sudo.host(), TransferJob(Script.of_file(tmp_path / "job")), options)

    user, path = result.stdout.splitlines()
    assert user == "root"
    assert not Path(path).exists()


def test_where_become_is_refused_nothing_is_moved(with_sudo: Sshd, source: Path, there: Path) -> None:
    become = Become("sudo", "nobody-here", Secret("wrong"))
    options = with_sudo.options(become=True, become_as=become)
    result = perform(with_sudo.host(), TransferJob(Put(str(source), f"{there}/x")), options)

    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-denied", False)
    assert list(there.iterdir()) == []


# Accounts that may do nothing else ------------------------------------------------------------------------


def test_an_account_for_sftp_alone_and_one_channel_at_a_time_is_enough(
    source: Path, there: Path, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        limits = "MaxSessions 1\nForceCommand internal-sftp\n"
        with running_sshd(Path(folder), limits) as server:
            sent = perform(server.host(), TransferJob(Put(str(source), f"{there}/x")), server.options())
            again = perform(server.host(), TransferJob(Put(str(source), f"{there}/x")), server.options())
            got = perform(server.host(), TransferJob(Get(f"{there}/x", str(tmp_path))), server.options())

    assert sent.stdout.startswith("sent 600,000 bytes, sha256 "), sent.error
    assert again.stdout.startswith("equal")
    assert got.ok
    assert (tmp_path / "real" / "x").read_bytes() == CONTENT


# A full disk ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    (tmp_path / "large").write_bytes(bytes(4 * 2**20))
    (tmp_path / "small").write_bytes(b"x" * 100_000)
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        disk = folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=1777", "tmpfs", str(disk)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            go_without("this machine lets root mount nothing")
        try:
            with running_sshd(folder) as server:

                def put(source: str) -> HostResult:
                    job = TransferJob(Put(str(tmp_path / source), f"{disk}/x"))
                    return perform(server.host(), job, server.options())

                assert put("small").ok
                result = put("large")
                assert (disk / "x").read_bytes() == b"x" * 100_000
                assert [path.name for path in disk.iterdir()] == ["x"]
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)

    assert (result.status, result.reason) == (Status.FAILED, "no-space")
    assert result.error == f"{disk}/x: no space is left on the host"


# This machine ---------------------------------------------------------------------------------------------


def test_on_the_local_connection_files_are_copied(source: Path, there: Path, sshd: Sshd) -> None:
    host = Host("here", {"ansible_connection": "local"})
    sent = perform(host, TransferJob(Put(str(source), f"{there}/x")), sshd.options())
    got = perform(host, TransferJob(Get(f"{there}/x", str(there))), sshd.options())

    assert sent.stdout.startswith("sent 600,000 bytes")
    assert got.ok
    assert (there / "here" / "x").read_bytes() == CONTENT


# Many hosts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_twenty_hosts_at_once_each_get_theirs(
    sshd: Sshd, source: Path, there: Path, tmp_path: Path, executor: str
) -> None:
    hosts = [sshd.host(f"h{number}") for number in range(20)]

    def over_all(job: TransferJob) -> list[HostResult]:
        return list(
            stream(
                hosts,
                job,
                run=f"twenty-{executor}",
                connecting=Connections(sshd.options()),
                options=FanoutOptions(executor=executor, workers=20, ping=False),
                reach=ReachOptions(),
            )
        )

    # All of them write to one place, as hosts behind one address do.
    sent = over_all(TransferJob(Put(str(source), f"{there}/x")))
    got = over_all(TransferJob(Get(f"{there}/x", str(tmp_path / "out"))))
    ran = over_all(TransferJob(Script("job", b"#!/bin/sh\necho done\n")))

    assert [result.error for result in [*sent, *got, *ran] if not result.ok] == []
    assert [path.name for path in there.iterdir()] == ["x"]
    assert len(list((tmp_path / "out").iterdir())) == 20
    assert all((tmp_path / "out" / host.name / "x").read_bytes() == CONTENT for host in hosts)
    assert {result.stdout for result in ran} == {"done\n"}


def test_a_transfer_among_a_sessions_commands(sshd: Sshd, source: Path, there: Path) -> None:
    from runner.jobs import FunctionJob, Session

    def upgrade(session: Session) -> str:
        session.put(source, f"{there}/", mode=0o644)
        session.get(f"{there}/image", there / "back")
        return session.run(f"wc -c <{there}/image").stdout.strip()

    result = perform(sshd.host(), FunctionJob(upgrade), sshd.options())

    assert result.value == "600000"
    assert [item.command.split()[0] for item in result.commands] == ["put", "get", "wc"]
    assert (there / "back" / "real" / "image").read_bytes() == CONTENT
