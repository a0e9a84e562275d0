"""Input, environment, folder and terminal of commands: on a real server, and as shell command lines."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.command import CommandOptions, Terminal, environment, standard_input, terminal
from runner.connection.options import Overflow
from runner.errors import UsageError
from runner.jobs import CommandJob, FunctionJob, perform
from runner.models import Status
from tests.connection.sshd import Sshd, temporary_sshd
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.jobs import Session
    from runner.models import HostResult

MEGABYTE = 2**20


def run(sshd: Sshd, command: str, given: CommandOptions = CommandOptions(), **options: object) -> HostResult:  # noqa: B008
    return perform(sshd.host(), CommandJob((command,), given), sshd.options(**options))


@pytest.fixture
def alone() -> Iterator[Sshd]:
    """A server that a test may stop."""
    with temporary_sshd() as server:
        yield server


# Input -----------------------------------------------------------------------------------------------------


def test_a_command_reads_what_it_is_given(sshd: Sshd) -> None:
    data = os.urandom(5 * MEGABYTE)
    result = run(sshd, "cat", CommandOptions(stdin=data))

    assert result.commands[0].stdout_bytes == data


def test_a_command_that_reads_nothing_of_it_ends_all_the_same(sshd: Sshd) -> None:
    assert run(sshd, "echo done", CommandOptions(stdin=b"x" * 9 * MEGABYTE)).stdout == "done\n"


def test_input_that_nobody_takes_is_bound_by_the_deadline(sshd: Sshd) -> None:
    result = run(sshd, "sleep 60", CommandOptions(stdin=b"x" * 9 * MEGABYTE), command_timeout_s=1.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline")


def test_scripts_give_texts_bytes_and_files(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\xff of a file")

    def job(host: Session) -> list[bytes]:
        given = ("text ü", b"\xfe", tmp_path / "in")
        return [host.run("cat", stdin=each).stdout_bytes for each in given]

    assert perform(sshd.host(), FunctionJob(job), sshd.options()).value == [
        "text ü".encode(),
        b"\xfe",
        b"\xff of a file",
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        standard_input(tmp_path / "none")


# Environment and folder ------------------------------------------------------------------------------------


def test_variables_arrive_as_they_are(sshd: Sshd) -> None:
    value = 'it\'s "$HOME" `id`;\n\\ end'
    given = CommandOptions(environment=environment({"ONE": value, "TWO": ""}))

    assert run(sshd, 'printf %s "$ONE"; sh -c \'echo "<$TWO>"\'', given).stdout == f"{value}<>\n"


def test_a_command_runs_in_its_folder(sshd: Sshd) -> None:
    assert run(sshd, "pwd", CommandOptions(directory="/usr/bin")).stdout == "/usr/bin\n"
    assert run(sshd, "pwd", CommandOptions(directory="~")).stdout == f"{sshd.home}\n"


@pytest.mark.parametrize("folder", ["/no/where", "-", "-x", "$(id)", "a b"])
def test_a_folder_that_is_not_there_fails_before_the_command(sshd: Sshd, folder: str) -> None:
    result = run(sshd, "echo ran; true", CommandOptions(directory=folder))

    assert (result.status, result.stdout) == (Status.FAILED, "")
    assert result.commands[0].command == "echo ran; true"


@pytest.mark.parametrize("name", ["", "1A", "A B", "A=B", "A;id", "Ä"])
def test_a_name_that_no_shell_takes_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        environment({name: "x"})


def test_a_devices_cli_is_not_asked_for_what_it_does_not_have(sshd: Sshd) -> None:
    host = sshd.host(ansible_network_os="ios")
    given = CommandOptions(environment=(("A", "b"),))
    result = perform(host, CommandJob(("show version",), given), sshd.options())

    assert (result.status, result.reason, result.sent) == (Status.ERROR, "no-shell", False)


# Terminal --------------------------------------------------------------------------------------------------


@pytest.mark.terminal(remote=True)
def test_a_terminal_has_its_size_and_type(sshd: Sshd) -> None:
    given = CommandOptions(terminal=Terminal(132, 43), environment=(("TERM", "vt220"),))
    lines = run(sshd, "tty; stty size; echo $TERM; echo err >&2", given).stdout.split()

    assert lines[0].startswith("/dev/pts/")
    assert lines[1:] == ["43", "132", "vt220", "err"]


def test_without_one_there_is_none(sshd: Sshd) -> None:
    assert run(sshd, "tty").stdout == "not a tty\n"


@pytest.mark.parametrize("size", ["80", "80x", "0x24", "80x0", "99999x1", "ax b"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="132x43"):
        terminal(size)


# Silence ---------------------------------------------------------------------------------------------------


def test_silence_has_a_deadline_of_its_own(sshd: Sshd) -> None:
    command = "sh -c 'for n in 1 2 3 4; do echo $n; sleep 0.3; done; sleep 60'"
    result = run(sshd, command, idle_timeout_s=0.9)

    assert (result.status, result.reason) == (Status.TIMEOUT, "idle")
    assert result.stdout == "1\n2\n3\n4\n"


@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_a_server_that_shows_no_life_is_lost(alone: Sshd, connection: str) -> None:
    def stop(pid: str) -> None:
        os.kill(int(pid), signal.SIGSTOP)

    marker = alone.folder / "pid"
    command = f"echo begun; sleep 1; echo $PPID >{marker}; sleep 60"  # the server's process id
    alone.folder.chmod(0o777)
    stopped: list[int] = []

    def freeze() -> None:
        comes_true(lambda: marker.exists() and bool(marker.read_text().strip()))
        stopped.append(int(marker.read_text()))
        stop(marker.read_text())

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        host = alone.host(ansible_connection=connection)
        result = perform(host, CommandJob((command,)), alone.options(keepalive_s=1.0))
    finally:
        thread.join()
        for pid in stopped:
            os.kill(pid, signal.SIGKILL)

    assert (result.status, result.reason) == (Status.LOST, "keepalive")
    assert result.stdout == "begun\n"


def test_a_server_that_lives_is_not_lost_in_silence(sshd: Sshd) -> None:
    assert run(sshd, "sleep 2; echo done", keepalive_s=0.2).stdout == "done\n"


# Too much output -------------------------------------------------------------------------------------------

MUCH = "head -c 3000000 /dev/zero; echo end; echo err >&2"


@pytest.fixture(params=["ssh", "openssh", "local"])
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"ansible_connection": request.param}


def test_what_is_too_much_can_be_dropped(sshd: Sshd, way: dict[str, str]) -> None:
    options = sshd.options(max_output=1000, overflow=Overflow.DROP)
    (done,) = perform(sshd.host(**way), CommandJob((MUCH,)), options).commands

    assert (done.exit_code, done.truncated, done.stdout_bytes) == (0, True, bytes(1000))
    assert (done.stderr, done.stdout_file) == ("err\n", None)


def test_what_is_too_much_can_go_to_a_file(sshd: Sshd, way: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "made" / "private"
    options = sshd.options(max_output=1000, overflow=Overflow.SPILL, spill_folder=str(folder))
    (done,) = perform(sshd.host(**way), CommandJob((MUCH,)), options).commands

    assert done.ok
    assert done.truncated
    assert done.stdout_bytes == bytes(1000)
    assert done.stdout_file is not None
    assert Path(done.stdout_file).read_bytes() == bytes(3_000_000) + b"end\n"
    assert Path(done.stdout_file).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert done.stderr_file is None


def test_a_file_has_a_limit_too(sshd: Sshd, way: dict[str, str], tmp_path: Path) -> None:
    options = sshd.options(
        max_output=1000, overflow=Overflow.SPILL, spill_folder=str(tmp_path), max_spill=2_000_000
    )
    result = perform(sshd.host(**way), CommandJob(("exec yes",)), options)

    assert (result.status, result.reason) == (Status.ERROR, "output-limit")
    assert "--max-spill" in (result.error or "")
    assert Path(result.commands[0].stdout_file or "").stat().st_size < 4_000_000


def test_a_folder_that_cannot_be_written_to_ends_the_command(sshd: Sshd, way: dict[str, str]) -> None:
    options = sshd.options(max_output=1000, overflow=Overflow.SPILL, spill_folder="/proc/none")
    result = perform(sshd.host(**way), CommandJob((MUCH,)), options)

    assert (result.status, result.reason) == (Status.ERROR, "spill-failed")
    assert "/proc/none" in (result.error or "")
