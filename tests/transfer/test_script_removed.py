"""No script is left on a host, whatever ends it, on real servers other than OpenSSH."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection import deadline
from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import Status
from runner.transfer.script import Script
from tests.connection.command.test_shells import left
from tests.connection.servers import SERVERS, running_server
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models import Host, HostResult
    from tests.connection.sshd import Sshd

# Says where it is before it works, so that a test knows when to end it.
SCRIPT = '#!/bin/sh\necho "$0" >{told}.new; mv {told}.new {told}; {work}\n'
CLIENT = "import pickle, sys; from runner.jobs import perform; perform(*pickle.load(open(sys.argv[1], 'rb')))"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Sshd]:
    with running_server(request.param) as server:
        yield server


@pytest.fixture(params=["ssh", "openssh"])
def host(server: Sshd, request: pytest.FixtureRequest) -> Host:
    if request.param not in server.ways:
        pytest.skip("this server has no cipher that Paramiko has")
    return server.host(ansible_connection=request.param)


@pytest.fixture
def told() -> Iterator[Path]:
    """The file in which the script says where it is."""
    with tempfile.TemporaryDirectory(prefix="runner-there-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder, "told")


def job(folder: Path, told: Path, work: str) -> TransferJob:
    (folder / "job.sh").write_text(SCRIPT.format(told=told, work=work))
    return TransferJob(Script.of_file(folder / "job.sh"))


def is_removed(told: Path) -> bool:
    path = Path(told.read_text().strip())
    assert path.name.startswith(".runner-")
    return comes_true(lambda: not path.exists())


def is_removed_or_told(server: Sshd, told: Path, error: str | None) -> bool:
    """Whether the script is gone, or, on a server that opens one session alone, the result tells of it."""
    if "tinyssh" not in server.folder.name:
        return is_removed(told)
    path = told.read_text().strip()
    is_told = f"it may still run: the server opened no second session to end it in; {path} is left" in str(
        error
    )
    subprocess.run(["pkill", "-f", f"^sh -c .*{path}"], check=False)
    return is_told and is_removed(told)


def test_one_over_its_deadline(server: Sshd, host: Host, told: Path, tmp_path: Path) -> None:
    options = server.options(command_timeout_s=3.0)
    result = perform(host, job(tmp_path, told, "exec sleep 300"), options)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline"), result.error
    assert is_removed_or_told(server, told, result.error)


def test_one_whose_run_is_stopped(server: Sshd, host: Host, told: Path, tmp_path: Path) -> None:
    results: list[HostResult] = []
    asked = job(tmp_path, told, "exec sleep 300")
    run = str(tmp_path)
    thread = threading.Thread(target=lambda: results.append(perform(host, asked, server.options(), run=run)))
    thread.start()
    assert comes_true(told.exists)
    deadline.abort(run)
    thread.join(60)
    deadline.forget(run)

    assert [result.status for result in results] == [Status.CANCELLED]
    assert is_removed_or_told(server, told, results[0].error)


def test_one_whose_client_is_killed(server: Sshd, host: Host, told: Path, tmp_path: Path) -> None:
    (tmp_path / "job").write_bytes(pickle.dumps((host, job(tmp_path, told, "sleep 2"), server.options())))
    client = subprocess.Popen([sys.executable, "-c", CLIENT, str(tmp_path / "job")])
    assert comes_true(told.exists)
    client.kill()
    client.wait()

    assert is_removed(told)
    assert left(tmp_path) == []
