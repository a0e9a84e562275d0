"""A real OpenSSH server, and a folder on it that whoever logs in may write to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.jobs import perform
from runner.jobs.transfers import TransferJob
from runner.models import HostResult
from tests.connection.peers.stage import Stage

if TYPE_CHECKING:
    from runner.transfer.moves import Transfer
    from tests.connection.sshd import Sshd

Move = Callable[..., HostResult]


@pytest.fixture
def move(sshd: Sshd) -> Move:
    """Do one transfer with the server; return the host's result."""

    def do(transfer: Transfer, host: str = "real", **options: object) -> HostResult:
        return perform(sshd.host(host), TransferJob(transfer), sshd.options(**options))

    return do


@pytest.fixture
def there() -> Iterator[Path]:
    """A folder of the host's, which is this machine, too."""
    with tempfile.TemporaryDirectory(prefix="runner-there-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage
