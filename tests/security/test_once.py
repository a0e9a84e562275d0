"""A command that was sent is never sent again: over both SSH back ends, and with every executor.

Each test takes away what would make the command's first sending the last one: the connection after it, the
worker, the whole program. `tests/security/mutants.py` shows that each guard has a test that fails without it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.connections import Connections
from runner.connection.openssh.process import SessionProcess
from runner.connection.pool import keeping
from runner.fanout import Control, FanoutOptions, stream
from runner.jobs import CommandJob, FunctionJob, perform
from runner.models import Host, Status
from runner.reach import ReachOptions
from tests.connection.peers import ssh
from tests.connection.peers.ssh import PASSWORD, Script
from tests.connection.sshd import required_program
from tests.liveness import comes_true

if TYPE_CHECKING:
    import asyncssh

    from runner.jobs import Job, Session
    from runner.models import HostResult
    from tests.connection.peers.stage import Stage

pytestmark = pytest.mark.slow

EXECUTORS = ("serial", "thread", "process", "dask")
_LONG_S = 60


@dataclass
class Logins:
    """Passwords, of which only the first is ever judged: the connection of any other ends."""

    count: int = 0
    good: frozenset[int] = field(default_factory=lambda: frozenset({1}))

    async def __call__(self, connection: asyncssh.SSHServerConnection, password: str) -> bool:
        self.count += 1
        if self.count not in self.good:
            connection._transport.abort()  # type: ignore[union-attr]
            return False
        return password == PASSWORD


async def cut_at_once(channel: ssh.Channel) -> None:
    ssh.cut(channel)


async def cut_a_moment_later(channel: ssh.Channel) -> None:
    await asyncio.sleep(0.1)
    ssh.cut(channel)


def host_of(stage: Stage, script: Script, back_end: str) -> Host:
    port = stage.ssh(script)
    return Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_connection": back_end})


def done(
    stage: Stage, folder: Path, host: Host, job: Job, executor: str = "serial", **changes: Any
) -> HostResult:
    if executor == "dask" and importlib.util.find_spec("distributed") is None:
        pytest.skip("dask is not installed")
    options = stage.options(folder, connect_timeout_s=_LONG_S, command_timeout_s=_LONG_S, retries=2)
    (result,) = stream(
        [host],
        job,
        run="once",
        connecting=Connections(options),
        options=FanoutOptions(executor=executor, workers=2, ping=False, **changes),
        reach=ReachOptions(),
    )
    return result


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_passing_fault_after_a_command_was_sent(
    stage: Stage, tmp_path: Path, back_end: str, executor: str
) -> None:
    """The host serves one command a connection, and the login for the second one breaks off."""
    script = Script(commands_per_connection=1, password=Logins())
    result = done(
        stage, tmp_path, host_of(stage, script, back_end), CommandJob(("reload", "second")), executor
    )
    assert script.commands == ["reload"]
    assert (result.sent, result.attempts) == (True, 1)
    assert result.status is not Status.OK


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("answer", [cut_at_once, cut_a_moment_later, ssh.no_exit_status])
def test_a_connection_that_ends_right_after_the_command(
    stage: Stage, tmp_path: Path, back_end: str, executor: str, answer: ssh.Answer
) -> None:
    script = Script(answer=answer)
    result = done(stage, tmp_path, host_of(stage, script, back_end), CommandJob(("reload",)), executor)
    assert script.commands == ["reload"]
    assert (result.status, result.sent, result.attempts) == (Status.LOST, True, 1)


def test_a_fault_before_anything_was_sent_is_repeated(stage: Stage, tmp_path: Path, back_end: str) -> None:
    script = Script(password=Logins(good=frozenset({2})))
    result = done(stage, tmp_path, host_of(stage, script, back_end), CommandJob(("reload",)))
    assert script.commands == ["reload"]
    assert (result.status, result.attempts) == (Status.OK, 2)


def send_then_lose_the_channel(session: Session) -> None:
    """Send two commands, of which the second meets an error that the channel's step has, too."""
    from runner.errors import Unreachable
    from runner.models import CommandResult, Phase

    def work(connection: Any, _host: Host) -> CommandResult:
        connection.run("reload")
        raise Unreachable("gone", reason="closed-after-login", phase=Phase.CHANNEL, transient=True)

    session.run("first")
    session.do(work)


def test_what_was_sent_does_not_go_to_another_connection(stage: Stage, tmp_path: Path, back_end: str) -> None:
    script = Script()
    job = FunctionJob(send_then_lose_the_channel)
    result = done(stage, tmp_path, host_of(stage, script, back_end), job)
    assert script.commands == ["first", "reload"]
    assert (result.sent, result.attempts) == (True, 1)


def test_a_command_that_the_server_takes_without_a_word(stage: Stage, tmp_path: Path, back_end: str) -> None:
    """The request to run it arrives, and the connection ends before the server says that it runs."""
    script = Script(execute="instead", answer=cut_at_once)
    result = done(stage, tmp_path, host_of(stage, script, back_end), CommandJob(("reload",)))
    assert script.commands == ["reload"]
    assert (result.status, result.sent, result.attempts) == (Status.LOST, True, 1)


def test_what_the_log_of_ssh_says_counts_as_sent(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel seems not to open in time, but `ssh` has just sent the command."""
    script = Script()

    def opens_too_late(process: SessionProcess, _seconds: float) -> bool:
        end = time.monotonic() + _LONG_S
        while not script.commands and time.monotonic() < end:
            process._pump.wait(0.01)
        return False

    monkeypatch.setattr(SessionProcess, "open", opens_too_late)
    required_program("ssh")
    result = done(stage, tmp_path, host_of(stage, script, "openssh"), CommandJob(("reload",)))
    assert script.commands == ["reload"]
    assert (result.status, result.sent) == (Status.TIMEOUT, True)


def test_a_kept_connection_that_ends_with_the_command(stage: Stage, tmp_path: Path, back_end: str) -> None:
    """A connection that an earlier job has left is opened anew only for what was not sent on it."""
    served = 0

    async def answer(channel: ssh.Channel) -> None:
        nonlocal served
        served += 1
        await (ssh.says_ok(channel) if served == 1 else cut_at_once(channel))

    script = Script(answer=answer)
    host = host_of(stage, script, back_end)
    options = stage.options(tmp_path, connect_timeout_s=_LONG_S, retries=2)
    with keeping(1):
        assert perform(host, CommandJob(("first",)), options).ok
        result = perform(host, CommandJob(("reload",)), options)
    assert script.commands == ["first", "reload"]
    assert (result.status, result.sent) == (Status.LOST, True)


def test_a_kept_connection_on_which_nothing_was_sent_is_opened_anew(stage: Stage, tmp_path: Path) -> None:
    script = Script(commands_per_connection=1)
    host = host_of(stage, script, "ssh")
    options = stage.options(tmp_path, connect_timeout_s=_LONG_S)
    with keeping(1):
        for command in ("first", "second"):
            assert perform(host, CommandJob((command,)), options).ok
    assert script.commands == ["first", "second"]


def put_then_fail(session: Session) -> None:
    """Say that something was sent, as `put` does, then meet a passing fault."""
    from runner.errors import Unreachable
    from runner.models import CommandResult, Phase

    def work(connection: Any, _host: Host) -> CommandResult:
        with Path(session.variables["log"]).open("a") as log:
            log.write("put\n")
        connection.sent = True
        raise Unreachable("gone", reason="connection-lost", phase=Phase.TRANSFER, transient=True)

    session.do(work)


def test_a_transfer_that_has_begun_is_not_repeated(stage: Stage, tmp_path: Path, back_end: str) -> None:
    host = host_of(stage, Script(), back_end)
    host = Host(host.name, {**host.variables, "log": str(tmp_path / "log")})
    result = done(stage, tmp_path, host, FunctionJob(put_then_fail))
    assert (tmp_path / "log").read_text() == "put\n"
    assert (result.sent, result.attempts) == (True, 1)


# Workers that die.


def send_then_die(session: Session) -> None:
    session.run("reload")
    os._exit(9)


@pytest.mark.parametrize("executor", ["process", "dask"])
def test_a_worker_that_dies_after_the_command(
    stage: Stage, tmp_path: Path, back_end: str, executor: str
) -> None:
    script = Script()
    result = done(stage, tmp_path, host_of(stage, script, back_end), FunctionJob(send_then_die), executor)
    assert script.commands == ["reload"]
    assert (result.status, result.reason, result.sent) == (Status.LOST, "worker-died", True)


def send_then_die_when_told(session: Session) -> None:
    session.run("reload")
    Path(session.variables["sent"]).touch()
    while not Path(session.variables["die"]).exists():
        time.sleep(0.01)
    os._exit(9)


def send_then_hang(session: Session) -> None:
    session.run("reload")
    Path(session.variables["sent"]).touch()
    time.sleep(_LONG_S)


@pytest.mark.parametrize("job", [send_then_die_when_told, send_then_hang])
def test_a_worker_that_is_killed_while_the_run_stops(stage: Stage, tmp_path: Path, job: Any) -> None:
    script = Script()
    places = {"sent": str(tmp_path / "sent"), "die": str(tmp_path / "die")}
    host = host_of(stage, script, "ssh")
    host = Host(host.name, {**host.variables, **places})
    control = Control()

    def stop() -> None:
        comes_true((tmp_path / "sent").exists, _LONG_S)
        control.abort()
        (tmp_path / "die").touch()

    threading.Thread(target=stop, daemon=True).start()
    (result,) = stream(
        [host],
        FunctionJob(job, repeatable=True),
        run="killed",
        connecting=Connections(stage.options(tmp_path, connect_timeout_s=_LONG_S)),
        options=FanoutOptions(executor="process", workers=2, ping=False),
        reach=ReachOptions(),
        control=control,
    )
    assert script.commands == ["reload"]
    assert (result.status, result.sent) == (Status.CANCELLED, True)


class Unreadable:
    """Leaves its process and cannot be made again in another."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _refuse, ()


def _refuse() -> None:
    raise ValueError("cannot be made again")


def send_then_return_what_cannot_be_read(session: Session) -> Unreadable:
    session.run("reload")
    return Unreadable()


def test_a_result_that_cannot_travel(stage: Stage, tmp_path: Path) -> None:
    script = Script()
    job = FunctionJob(send_then_return_what_cannot_be_read)
    result = done(stage, tmp_path, host_of(stage, script, "ssh"), job, "process")
    assert script.commands == ["reload"]
    assert (result.status, result.reason, result.sent) == (Status.LOST, "result-lost", True)
