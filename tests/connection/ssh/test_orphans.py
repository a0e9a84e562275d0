"""Commands that cannot be ended: on which servers and for which users; and the result says so."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.connection.command import CommandOptions, Terminal
from runner.connection.command.become import Become
from runner.connection.deadline import Deadline
from runner.connection.options import ConnectionOptions
from runner.connection.ssh import connect
from runner.connection.ssh.orphans import survival
from runner.errors import DeadlineExceeded
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.sshd import Sshd


@pytest.mark.parametrize(
    ("server", "user", "survives"),
    [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "root", True),
        ("SSH-2.0-OpenSSH_9.7", "root", True),
        ("SSH-1.99-OpenSSH_6.6.1", "root", True),
        ("SSH-2.0-OpenSSH_9.8p1", "root", False),
        ("SSH-2.0-OpenSSH_10.0", "root", False),
        ("SSH-2.0-OpenSSH_9.2p1", "operator", False),
        ("SSH-2.0-dropbear_2022.83", "root", True),
        ("SSH-2.0-dropbear_2022.83", "operator", True),
        ("", "root", False),
    ],
)
def test_commands_survive_where_the_server_passes_on_no_signals(
    server: str, user: str, survives: bool
) -> None:
    assert bool(survival(server, user)) is survives


@pytest.mark.parametrize(("user", "survives"), [("operator", True), ("root", False)])
@pytest.mark.parametrize("method", ["sudo", "su", "doas"])
def test_a_user_cannot_end_what_runs_as_another(user: str, method: str, survives: bool) -> None:
    options = ConnectionOptions(become=True, become_as=Become(method, "service"))
    words = survival("SSH-2.0-OpenSSH_9.9", user, options)
    assert bool(words) is survives
    assert not survives or f"service by {method}" in words


def at_work(command: str) -> list[int]:
    found = subprocess.run(["pgrep", "-fx", command], capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


@pytest.fixture
def command() -> Iterator[str]:
    """A command with a unique text; processes that are left of it are killed after the test."""
    text = f"sleep 3{os.getpid()}"
    yield text
    for number in at_work(text):
        os.kill(number, signal.SIGKILL)


def run_for_a_moment(sshd: Sshd, user: str, command: str, given: CommandOptions) -> str:
    options = sshd.options(user=user, command_timeout_s=2.0)
    connection = connect(sshd.host(), options, Deadline())
    with pytest.raises(DeadlineExceeded) as raised:
        connection.run(command, given)
    connection.close()
    return str(raised.value)


def test_a_users_command_is_ended(sshd: Sshd, command: str) -> None:
    error = run_for_a_moment(sshd, sshd.user, command, CommandOptions())

    assert "still run" not in error or sshd.user == "root"
    assert sshd.user == "root" or comes_true(lambda: not at_work(command))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may let root in")
def test_a_command_of_roots_ends_or_the_result_says_that_it_may_go_on(sshd: Sshd, command: str) -> None:
    error = run_for_a_moment(sshd, "root", command, CommandOptions())

    assert "--pty" in error or comes_true(lambda: not at_work(command))


@pytest.mark.terminal
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may let root in")
def test_on_a_terminal_a_command_of_roots_ends_with_the_connection(sshd: Sshd, command: str) -> None:
    error = run_for_a_moment(sshd, "root", command, CommandOptions(terminal=Terminal()))

    assert comes_true(lambda: not at_work(command))
    assert "still run" not in error
