"""Servers and SSH back ends that several tests of security use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.connection.peers.stage import Stage
from tests.connection.sshd import required_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Stage() as playing:
        yield playing


@pytest.fixture(params=["ssh", "openssh"])
def back_end(request: pytest.FixtureRequest) -> str:
    if request.param == "openssh":
        required_program("ssh")
    return str(request.param)
