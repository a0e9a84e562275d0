"""One real OpenSSH server for all tests of the room."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.deadline import Deadline
from runner.connection.ssh import connect
from tests.connection.sshd import Sshd, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection.ssh import SshConnection


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    # The account that logs in must be able to read its authorized_keys; pytest's own folders are closed.
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        with running_sshd(Path(folder)) as server:
            yield server


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[SshConnection]:
    connection = connect(sshd.host(), sshd.options(), Deadline())
    yield connection
    connection.close()
