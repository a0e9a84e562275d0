"""Commands over SSH on a real OpenSSH server: how each kind of end is reported; nothing is left running."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from runner.connection import deadline
from runner.connection.deadline import Deadline
from runner.connection.ssh import connect
from runner.errors import ConnectionLost, DeadlineExceeded, OutputLimitExceeded
from runner.jobs import CommandJob, perform
from runner.models import Phase, Status
from tests.liveness import comes_true, gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.connection.ssh import SshConnection
    from tests.connection.sshd import Sshd

    Login = Callable[..., SshConnection]

MEGABYTE = 2**20


@pytest.fixture
def login(sshd: Sshd) -> Iterator[Login]:
    """Log in with other options; close the connection when the test ends."""
    with ExitStack() as opened:

        def log_in(**options: object) -> SshConnection:
            connection = connect(sshd.host(), sshd.options(**options), Deadline())
            opened.callback(connection.close)
            return connection

        yield log_in


def test_a_command_gives_its_output_and_exit_code(connection: SshConnection) -> None:
    result = connection.run("echo out; echo err >&2; exit 3")

    assert result.exit_code == 3
    assert result.stdout == "out\n"
    assert result.stderr == "err\n"
    assert not result.ok
    assert result.signal is None
    assert not result.truncated


def test_nothing_is_sent_before_the_first_command(connection: SshConnection) -> None:
    assert not connection.sent
    assert connection.run("true").ok
    assert connection.sent


def test_several_commands_share_one_connection(connection: SshConnection) -> None:
    ports = {connection.run("echo $SSH_CLIENT").stdout for _ in range(5)}

    assert len(ports) == 1


def test_a_command_reads_nothing_and_does_not_wait_for_input(connection: SshConnection) -> None:
    assert connection.run("cat; echo done").stdout == "done\n"


def test_bytes_that_are_no_text_arrive_unchanged(connection: SshConnection) -> None:
    result = connection.run(r"printf '\377\000\033[31m'")

    assert result.stdout_bytes == b"\xff\x00\x1b[31m"


@pytest.mark.parametrize(
    "command",
    [
        "head -c 5242880 /dev/zero; head -c 5242880 /dev/zero >&2",
        "head -c 5242880 /dev/zero >&2; head -c 5242880 /dev/zero",
    ],
    ids=["stdout first", "stderr first"],
)
def test_five_megabytes_on_both_streams_come_whole(connection: SshConnection, command: str) -> None:
    result = connection.run(command)

    assert result.ok
    assert len(result.stdout_bytes) == 5 * MEGABYTE
    assert len(result.stderr_bytes) == 5 * MEGABYTE


def test_a_command_ended_by_a_signal_is_failed_and_names_the_signal(sshd: Sshd) -> None:
    result = perform(sshd.host(), CommandJob(("kill -9 $$",)), sshd.options())

    assert result.status is Status.FAILED
    assert result.reason == "signal"
    assert result.commands[0].signal == "KILL"
    assert result.commands[0].exit_code is None


def test_a_background_process_that_holds_the_output_open_does_not_hold_the_result(
    connection: SshConnection,
) -> None:
    result = connection.run("sleep 100 & echo $!")

    assert result.ok
    os.kill(int(result.stdout), 9)  # it has not ended yet


def test_the_next_command_runs_after_one_that_left_a_process_behind(connection: SshConnection) -> None:
    left = connection.run("sleep 30 & echo $!")

    assert connection.run("echo next").stdout == "next\n"
    os.kill(int(left.stdout), 9)


def test_a_command_over_its_deadline_is_ended_on_the_host_too(login: Login) -> None:
    connection = login(command_timeout_s=0.5)
    with pytest.raises(DeadlineExceeded) as raised:
        connection.run("echo $$; exec sleep 60")

    assert raised.value.reason == "command-deadline"
    assert raised.value.command is not None
    assert gone(int(raised.value.command.stdout))


def test_a_connection_outlives_a_command_over_its_deadline(login: Login) -> None:
    connection = login(command_timeout_s=0.5)
    with pytest.raises(DeadlineExceeded):
        connection.run("sleep 60")

    assert connection.run("echo still").stdout == "still\n"


def test_the_hosts_deadline_bounds_a_command_and_is_named(sshd: Sshd) -> None:
    options = sshd.options(host_timeout_s=1.0, command_timeout_s=30.0)
    result = perform(sshd.host(), CommandJob(("echo $$; exec sleep 60",)), options)

    assert result.status is Status.TIMEOUT
    assert result.reason == "host-deadline"
    assert result.phase is Phase.COMMAND
    assert result.sent
    assert gone(int(result.stdout))


def test_a_command_that_prints_too_much_is_ended_and_what_it_said_is_kept(login: Login) -> None:
    connection = login(max_output=1000)
    with pytest.raises(OutputLimitExceeded) as raised:
        connection.run("echo $$; exec yes")

    partial = raised.value.command
    assert partial is not None
    assert partial.truncated
    assert len(partial.stdout_bytes) == 1000
    assert gone(int(partial.stdout.split()[0]))


def test_stopping_the_run_ends_the_command_on_the_host(sshd: Sshd) -> None:
    from threading import Timer

    timer = Timer(1.0, deadline.abort, ("stopped-run",))
    timer.start()
    result = perform(
        sshd.host(),
        CommandJob(("echo $$; exec sleep 60",)),
        sshd.options(),
        run="stopped-run",
    )
    timer.join()
    deadline.forget("stopped-run")

    assert result.status is Status.CANCELLED
    assert result.reason == "stopped"
    assert result.sent
    assert gone(int(result.stdout))


def test_a_connection_that_dies_under_a_command_is_lost(connection: SshConnection) -> None:
    with pytest.raises(ConnectionLost) as raised:
        connection.run("echo before; sleep 0.3; kill -9 $PPID")

    assert raised.value.reason == "connection-lost"
    assert raised.value.command is not None
    assert raised.value.command.stdout == "before\n"


def test_commands_after_the_end_of_the_connection_are_not_sent(sshd: Sshd) -> None:
    from runner.errors import Unreachable

    connection = connect(sshd.host(), sshd.options(), Deadline())
    connection.close()
    with pytest.raises(Unreachable) as raised:
        connection.run("true")

    assert raised.value.phase is Phase.CHANNEL
    assert not connection.sent


def test_the_cheap_among_the_safe_is_agreed_on(connection: SshConnection) -> None:
    import paramiko

    transport = connection._transport
    assert transport is not None
    if "aes128-gcm@openssh.com" not in paramiko.Transport._cipher_info:
        pytest.skip("this Paramiko has no AES-GCM")
    assert transport.remote_cipher == "aes128-gcm@openssh.com"
    kex = list(transport.get_security_options().kex)
    assert kex.index("diffie-hellman-group14-sha256") < kex.index("diffie-hellman-group16-sha512")
    assert kex.index("curve25519-sha256@libssh.org") < kex.index("diffie-hellman-group14-sha256")


def test_closing_takes_no_time(sshd: Sshd) -> None:
    connection = connect(sshd.host(), sshd.options(), Deadline())
    begin = time.monotonic()
    connection.close()

    assert time.monotonic() - begin < 20


def test_no_thread_is_left_after_a_host(sshd: Sshd) -> None:
    import threading

    for _ in range(3):
        assert perform(sshd.host(), CommandJob(("true",)), sshd.options()).ok
    assert comes_true(
        lambda: not any("Transport" in type(thread).__name__ for thread in threading.enumerate())
    )
