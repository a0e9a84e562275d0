"""Accounts that a real sshd refuses despite a valid key: the result quotes the server's reason."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from runner.jobs import CommandJob, perform
from runner.models import Secret, Status
from tests.connection.command.test_become import HASHED, PASSWORD
from tests.connection.sshd import Sshd, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.models import HostResult

EXTRA = "UsePAM {}\nPasswordAuthentication yes\n"


@pytest.fixture(scope="module", params=["yes", "no"])
def server(request: pytest.FixtureRequest) -> Iterator[Sshd]:
    """A server, with PAM and without."""
    if os.geteuid() != 0:
        pytest.skip("needs an /etc of the server's own, which only root can make")
    with temporary_sshd(EXTRA.format(request.param), password_hash=HASHED) as server:
        yield server


def with_pam(server: Sshd) -> bool:
    return "UsePAM yes" in (server.folder / "sshd_config").read_text()


@pytest.fixture(params=["ssh key", "ssh password", "openssh key", "openssh password"])
def login(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    way, credential = request.param.split()
    return way, {} if credential == "key" else {"private_key": None, "password": Secret(PASSWORD)}


def outcome(server: Sshd, login: tuple[str, dict[str, object]]) -> HostResult:
    way, chosen = login
    return perform(server.host(ansible_connection=way), CommandJob(("echo ran",)), server.options(**chosen))


def test_while_nobody_may_log_in(server: Sshd, login: tuple[str, dict[str, object]]) -> None:
    path = server.folder / "etc" / "nologin"
    path.write_text("going down\nback at noon\n")
    try:
        result = outcome(server, login)
    finally:
        path.unlink()

    if with_pam(server):
        assert (result.status, result.reason) == (Status.UNREACHABLE, "closed-in-login")
        assert (result.error or "").endswith("; the server says: 'back at noon'")
        assert not result.sent
    else:  # without PAM, sshd prints the file instead of running the command
        assert (result.status, result.stdout) == (Status.FAILED, "")
        assert result.stderr.endswith("going down\nback at noon\n")


def test_an_account_that_has_expired(server: Sshd, login: tuple[str, dict[str, object]]) -> None:
    path = server.folder / "etc" / "shadow"
    before = path.read_text()
    path.write_text(
        re.sub(r"^(ordinary:[^:]*):.*", r"\1:19000:0:99999:7::19001:", before, flags=re.MULTILINE)
    )
    try:
        result = outcome(server, login)
    finally:
        path.write_text(before)

    if with_pam(server):
        assert "; the server says: 'Your account has expired" in (result.error or "")
    else:  # without PAM, sshd gives no reason
        assert (result.status, result.reason) == (Status.AUTH, "login-refused")
        assert "the server accepts: publickey" in (result.error or "")
    assert not result.sent


def test_a_password_that_has_expired_runs_nothing_and_is_told(
    server: Sshd, login: tuple[str, dict[str, object]]
) -> None:
    path = server.folder / "etc" / "shadow"
    before = path.read_text()
    path.write_text(re.sub(r"^(ordinary:[^:]*):.*", r"\1:0:0:99999:7:::", before, flags=re.MULTILINE))
    try:
        result = outcome(server, login)
    finally:
        path.write_text(before)

    if with_pam(server) or login[1]:
        assert (result.status, result.stdout) == (Status.FAILED, "")
        assert "expired" in result.stderr
    else:  # without PAM, a key does not depend on the password
        assert result.ok
