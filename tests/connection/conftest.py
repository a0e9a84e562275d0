"""One real OpenSSH server for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.connection.deadline import Deadline
from runner.connection.ssh import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection.ssh import SshConnection
    from tests.connection.sshd import Sshd


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[SshConnection]:
    connection = connect(sshd.host(), sshd.options(), Deadline())
    yield connection
    connection.close()
