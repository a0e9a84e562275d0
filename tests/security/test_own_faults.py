"""What fails on this machine before a command was sent is an error of this machine, and not the host's."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.command import checked_command
from runner.connection.transport.faults import not_blamed, own_fault
from runner.errors import ConnectionLost, LocalFault, LoginRefused, Unreachable, UsageError
from runner.jobs import CommandJob, perform
from runner.models import Host, Phase, Secret, Status
from tests.connection.peers.ssh import Script
from tests.connection.sshd import go_without, required_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.models import HostResult
    from tests.connection.peers.stage import Stage
    from tests.projects import Project

LATIN = "pr\udce9cis"
"""A text with a byte that is not UTF-8, as Python reads it from the command line."""


def asked(stage: Stage, folder: Path, back_end: str, *commands: str, **options: Any) -> HostResult:
    script = options.pop("script", None) or Script()
    port = stage.ssh(script)
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port, "ansible_connection": back_end})
    return perform(
        host, CommandJob(commands or ("x",)), stage.options(folder, connect_timeout_s=60, **options)
    )


def raising(exc: BaseException) -> Callable[..., Any]:
    def raise_it(*_args: Any, **_kwargs: Any) -> Any:
        raise exc

    return raise_it


FAULTS = [
    MemoryError(),
    RuntimeError("can't start new thread"),
    OSError(errno.EMFILE, "Too many open files"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize(
    "place",
    [
        "runner.connection.ssh.connection.SshConnection._reach",
        "runner.connection.transport.handshake.judge",
        "runner.connection.transport.paramiko_fixes.Transport.offer_password",
        "runner.connection.transport.paramiko_fixes.Transport.negotiate",
        "runner.connection.ssh.connection.SshConnection._process",
        "runner.connection.deadline.Deadline.guard",
    ],
)
def test_a_fault_of_ours_is_an_error_whichever_step_meets_it(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, fault: BaseException
) -> None:
    monkeypatch.setattr(place, raising(fault))
    result = asked(stage, tmp_path, "ssh")
    assert (result.status, result.sent) == (Status.ERROR, False)
    assert result.reason in ("local-limit", "local-fault")
    assert "server" not in str(result.error)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize(
    "place",
    [
        "runner.connection.openssh.master.Master._start",
        "runner.connection.openssh.process.Mux",
        "runner.connection.openssh.process.SessionProcess._pipes",
    ],
)
def test_a_fault_of_ours_is_an_error_with_ssh_too(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, fault: BaseException
) -> None:
    required_program("ssh")
    monkeypatch.setattr(place, raising(fault))
    result = asked(stage, tmp_path, "openssh")
    assert (result.status, result.sent) == (Status.ERROR, False)
    assert result.reason in ("local-limit", "local-fault")


def test_a_fault_of_ours_after_the_command_leaves_its_outcome_unknown(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back_end: str
) -> None:
    script = Script()
    monkeypatch.setattr("runner.connection.command.execution.Execution.collect", raising(MemoryError()))
    result = asked(stage, tmp_path, back_end, "reload", script=script, retries=2)
    assert (result.status, result.sent, result.attempts) == (Status.LOST, True, 1)


def test_a_local_command_that_cannot_be_started_was_not_sent() -> None:
    from runner.connection.options import ConnectionOptions

    host = Host("here", {"ansible_connection": "local"})
    result = perform(host, CommandJob(("true " + "x" * 3_000_000,)), ConnectionOptions(retries=0))
    assert (result.status, result.sent) == (Status.ERROR, False)
    assert "Argument list too long" in str(result.error)


def test_bytes_that_are_not_utf_8_are_sent_as_they_are(stage: Stage, tmp_path: Path, back_end: str) -> None:
    script, seen = Script(), []

    async def judge(_connection: Any, password: str) -> bool:
        seen.append(password)
        return True

    script.password = judge
    result = asked(stage, tmp_path, back_end, f"echo {LATIN}", script=script)
    # asyncssh takes only UTF-8, and hangs up on anything else: that is the server's word, after it was sent.
    assert result.sent
    assert result.reason not in ("job-raised", "local-fault")


def test_local_commands_take_any_bytes() -> None:
    from runner.connection.options import ConnectionOptions

    host = Host("here", {"ansible_connection": "local"})
    result = perform(host, CommandJob((f"printf %s {LATIN}",)), ConnectionOptions())
    assert result.ok, result.error
    assert result.commands[0].stdout_bytes == b"pr\xe9cis"


def test_secrets_are_sent_as_they_are() -> None:
    assert Secret(LATIN).encoded() == b"pr\xe9cis"


@pytest.mark.parametrize("check", [checked_command, lambda text: Host and checked_command(f"a {text}")])
def test_what_no_byte_stands_for_is_refused_by_name(check: Callable[[str], object]) -> None:
    with pytest.raises(UsageError, match="no byte"):
        check("\ud800")


def test_the_cause_decides_and_not_the_words() -> None:
    refused = LoginRefused("no", reason="login-refused", phase=Phase.LOGIN)
    refused.__cause__ = OSError(errno.EMFILE, "Too many open files")
    fault = own_fault(refused)
    assert fault is not None
    assert (fault.status, fault.phase) == (Status.ERROR, Phase.LOGIN)
    assert own_fault(Unreachable("no", reason="reset", phase=Phase.CONNECT)) is None
    assert own_fault(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "the peer's")) is None


def test_an_error_after_something_was_sent_stays_what_it_is() -> None:
    lost = ConnectionLost("x", reason="connection-lost", phase=Phase.COMMAND)
    with pytest.raises(ConnectionLost) as caught, not_blamed(lambda: True):
        raise lost
    assert caught.value is lost
    with pytest.raises(LocalFault), not_blamed(lambda: False):
        raise MemoryError


def test_a_user_without_a_name_is_told_what_to_do(demo: Project) -> None:
    if os.geteuid() != 0:
        go_without("only root becomes a user without a name")
    setpriv = required_program("setpriv")
    demo.write("one.yml", json.dumps({"all": {"hosts": {"h": {"ansible_host": "127.0.0.1"}}}}))
    for folder in (demo.folder, *demo.folder.parents):
        if folder.stat().st_uid == 0 and folder.as_posix() not in ("/", "/tmp"):
            folder.chmod(0o755)
    environment = {
        key: value
        for key, value in demo.environment().items()
        if key not in ("LOGNAME", "USER", "LNAME", "USERNAME")
    }
    ids = ("--reuid", "54321", "--regid", "54321", "--clear-groups")
    script = (
        "from runner.jobs import *; from runner.models import Host; from runner.connection import *\n"
        "host = Host('h', {'ansible_host': '127.0.0.1', 'ansible_port': 1})\n"
        "result = perform(host, CommandJob(('x',)), ConnectionOptions(ssh_config=None))\n"
        "print(result.status, result.reason, result.error)"
    )
    done = subprocess.run(
        [setpriv, *ids, sys.executable, "-c", script],
        env={**environment, "HOME": "/"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 and "Permission denied" in done.stderr + done.stdout:
        go_without("other users may not read this interpreter")
    assert done.stdout.startswith("error no-user-name"), done.stdout + done.stderr
    assert "--user" in done.stdout


def test_a_thread_that_cannot_be_started_blames_no_host(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("runner-") or "Transport" in repr(thread):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("runner.connection.deadline._watchdog", None, raising=False)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        result = asked(stage, tmp_path, "ssh", "x", retries=0)
    assert result.status in (Status.ERROR, Status.OK)
