"""The text that we add to commands works in every login shell: real shells, over both SSH connections."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.command import CommandOptions, Terminal
from runner.connection.command.become import Become
from runner.connection.command.shells import line
from runner.connection.connections import Connections
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, Job, perform
from runner.jobs.transfers import TransferJob
from runner.models import HostResult, Secret, Status
from runner.reach import ReachOptions
from runner.transfer.moves import Put
from runner.transfer.script import Script
from tests.connection.command.test_become import HASHED, PASSWORD
from tests.connection.servers import SERVERS, running_server
from tests.connection.sshd import Sshd, required_program, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = ("bash", "dash", "zsh", "mksh", "ash", "fish", "csh", "tcsh", "rbash")
FEW = ("bash", "fish", "csh")
WAYS = ("ssh", "openssh")
ODD = r"""a\b\\c 'd' !x !! \! $HOME `id` %s {a,b} ~ * ? [x] ^a^b #c ;&|<>() "q" \'"""
EVERY_BYTE = bytes(range(1, 256)).decode("utf-8", "surrogateescape")
SCRIPT = '#!/bin/sh\nprintf "<%s>" "$@"\nls -A "${0%/*}" | grep -c "${0##*/}"\nexit 3\n'


def name_of(shell: str) -> str:
    return f"login-{shell}"


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Sshd]:
    """A server with an account for each login shell, all of which may become root with a password."""
    if os.geteuid() != 0:
        pytest.skip("needs accounts with different login shells, which only root can make")
    with tempfile.TemporaryDirectory(prefix="runner-shells-") as folder:
        Path(folder).chmod(0o755)
        Path(folder, "ash").symlink_to(required_program("busybox"))  # the name selects BusyBox's shell
        paths = {"csh": "bsd-csh", "ash": f"{folder}/ash"}
        shells = {name_of(shell): required_program(paths.get(shell, shell)) for shell in SHELLS}
        machine: dict[str, Any] = {
            "password_hash": HASHED,
            "sudoers": "Defaults timestamp_timeout=0\nALL ALL=(root) ALL\n",
            "doas": "".join(f"permit {name} as root\n" for name in shells),
            "shells": {**shells, "nologin": "/usr/sbin/nologin"},
        }
        kind = request.param
        with temporary_sshd(**machine) if kind == "openssh" else running_server(kind, **machine) as server:
            (server.home / "a b").mkdir()
            yield server


def tried(openssh: Sequence[str], others: Sequence[str]) -> pytest.MarkDecorator:
    """Run a test with some login shells on OpenSSH; the slow tests add all shells and the other servers."""
    chosen = [("openssh", openssh)]
    slow = [(kind, others) for kind in SERVERS if others]
    slow += [(kind, SHELLS) for kind in ("openssh", *SERVERS) if (kind, SHELLS) not in (*chosen, *slow)]
    return pytest.mark.parametrize(
        ("server", "shells"),
        [*chosen, *(pytest.param(*each, marks=pytest.mark.slow) for each in slow)],
        ids=[f"{kind}-{len(shells)}" for kind, shells in (*chosen, *slow)],
        indirect=["server"],
    )


all_shells = tried(SHELLS, FEW)
each_server = pytest.mark.parametrize(
    "server", ["openssh", *(pytest.param(kind, marks=pytest.mark.slow) for kind in SERVERS)], indirect=True
)


def outcomes(server: Sshd, shells: Sequence[str], job: Job, **options: Any) -> dict[str, HostResult]:
    """Return the results of a job with each login shell over each connection, all at once."""
    hosts = [
        server.host(f"{shell} {way}", ansible_user=name_of(shell), ansible_connection=way)
        for shell in shells
        for way in server.ways
    ]
    fanned = stream(
        hosts,
        job,
        run="shells",
        connecting=Connections(server.options(user=None, startups=4, **options)),
        options=FanoutOptions(workers=12, ping=False, max_refused=0),
        reach=ReachOptions(),
    )
    return {result.host: result for result in fanned}


def told(results: dict[str, HostResult]) -> dict[str, tuple[object, ...]]:
    return {
        name: (str(result.status), result.commands[0].exit_code, result.stdout) if result.commands else ()
        for name, result in results.items()
    }


def all_equal(results: dict[str, HostResult], *expected: object) -> None:
    assert told(results) == dict.fromkeys(results, expected), {
        name: (result.error, result.stderr) for name, result in results.items()
    }


@pytest.fixture
def there() -> Iterator[Path]:
    """A folder on the host, which is this machine."""
    with tempfile.TemporaryDirectory(prefix="runner-there-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


# Plain, environment, folder --------------------------------------------------------------------------------


@all_shells
def test_a_plain_command_is_read_by_the_login_shell_itself(server: Sshd, shells: Sequence[str]) -> None:
    all_equal(outcomes(server, shells, CommandJob(("echo out; false",))), "failed", 1, "out\n")


@all_shells
def test_arguments_arrive_whatever_is_in_them(server: Sshd, shells: Sequence[str]) -> None:
    command = line("printf", "<%s>", ODD, "", "-x", "two\nlines\n", EVERY_BYTE)
    results = outcomes(server, shells, CommandJob((command,)))
    expected = f"<{ODD}><><-x><two\nlines\n>".encode() + b"<" + bytes(range(1, 256)) + b">"

    assert {name: result.commands[0].stdout_bytes for name, result in results.items()} == dict.fromkeys(
        results, expected
    )


@all_shells
def test_variables_arrive(server: Sshd, shells: Sequence[str]) -> None:
    given = CommandOptions(environment=(("ONE", ODD), ("TWO", "two\nlines"), ("EMPTY", "")))
    job = CommandJob(("env printenv ONE TWO EMPTY; echo",), given)

    assert {r.stdout.rstrip("\n") for r in outcomes(server, shells, job).values()} == {f"{ODD}\ntwo\nlines"}


@each_server
def test_the_login_shell_still_reads_the_command(server: Sshd) -> None:
    job = CommandJob(("echo {1,2}$ONE",), CommandOptions(environment=(("ONE", "x"),)))
    results = outcomes(server, ("bash", "zsh", "fish", "csh"), job)

    all_equal(results, "ok", 0, "1x 2x\n")


@all_shells
@pytest.mark.parametrize("folder", ["a b", "/usr/bin", "~"])
def test_a_command_runs_in_its_folder(server: Sshd, shells: Sequence[str], folder: str) -> None:
    (home,) = {
        result.stdout.rstrip() for result in outcomes(server, ("bash",), CommandJob(("pwd",))).values()
    }
    results = outcomes(server, shells, CommandJob(("pwd",), CommandOptions(directory=folder)))
    place = {"a b": f"{home}/a b", "~": home}.get(folder, folder)

    all_equal(results, "ok", 0, f"{place}\n")


@all_shells
def test_without_its_folder_no_command_runs(server: Sshd, shells: Sequence[str]) -> None:
    results = outcomes(
        server, shells, CommandJob(("echo ran",), CommandOptions(directory="/nonexistent/folder"))
    )

    all_equal(results, "failed", 1, "")
    assert all("/nonexistent/folder" in result.stderr for result in results.values())


@each_server
def test_nologin_runs_nothing_and_leaves_nothing(server: Sshd, tmp_path: Path) -> None:
    for way in server.ways:
        host = server.host(ansible_user="nologin", ansible_connection=way)
        for job in (CommandJob(("echo ran",), CommandOptions(directory="/")), script_job(tmp_path)):
            result = perform(host, job, server.options(user=None))
            assert "ran" not in result.stdout
            if result.status is Status.LOST:  # tinyssh dies if a command does not read its input
                assert "tinyssh" in server.folder.name
                continue
            assert (result.status, result.commands[0].exit_code) == (Status.FAILED, 1)
            assert "not available" in result.stdout
    assert left(tmp_path) == []


@pytest.mark.parametrize("server", ["asyncssh"], indirect=True)
def test_a_command_that_a_server_refuses_is_not_taken_for_lost(server: Sshd) -> None:
    given = CommandOptions(stdin=bytes(3_000_000))  # `ssh` is silent if all input is sent
    results = outcomes(server, ("bash",), CommandJob(("echo \udcff",), given))  # asyncssh accepts only UTF-8

    told = {name: (result.status, result.reason) for name, result in results.items()}
    refused = (Status.ERROR, "exec-refused")
    assert told["bash ssh"] == refused
    # On a busy machine the channel may be closed before `ssh` has read its input; then `ssh` reports nothing.
    assert told["bash openssh"] in (refused, (Status.LOST, "no-exit-status"))


def test_a_terminal_that_a_server_refuses_is_told() -> None:
    with temporary_sshd("PermitTTY no\n") as server:
        for way in WAYS:
            job = CommandJob(("sleep 60",), CommandOptions(terminal=Terminal()))
            result = perform(server.host(ansible_connection=way), job, server.options())
            assert (result.status, result.reason) == (Status.ERROR, "pty-refused"), result


# Scripts ---------------------------------------------------------------------------------------------------


def left(folder: Path) -> list[str]:
    """Return the copies of a folder's script that were left on the host, which is this machine."""
    found = []
    for path in Path("/tmp").glob(".runner-*"):
        with suppress(OSError):
            found += [str(path)] if str(folder) in path.read_text() else []
    return found


def script_job(folder: Path, *arguments: str, text: str = SCRIPT) -> TransferJob:
    (folder / "job.sh").write_text(f"{text}# {folder}\n")
    return TransferJob(Script.of_file(folder / "job.sh", arguments))


@all_shells
def test_a_script_gets_odd_arguments_and_is_removed(
    server: Sshd, shells: Sequence[str], tmp_path: Path
) -> None:
    results = outcomes(server, shells, script_job(tmp_path, ODD, "two\nlines", EVERY_BYTE[9:]))
    expected = f"<{ODD}><two\nlines><".encode() + bytes(range(10, 256)) + b">1\n"

    assert {name: result.commands[0].stdout_bytes for name, result in results.items()} == dict.fromkeys(
        results, expected
    ), {name: (r.error, r.stderr) for name, r in results.items()}
    assert {result.commands[0].exit_code for result in results.values()} == {3}
    assert left(tmp_path) == []


def test_one_session_at_a_time_is_enough_for_a_script(tmp_path: Path) -> None:
    with temporary_sshd("MaxSessions 1\n") as server:
        for way in WAYS:
            result = perform(server.host(ansible_connection=way), script_job(tmp_path, "x"), server.options())
            assert (result.reason, result.stdout) == ("exit-code", "<x>1\n"), result.error
    assert left(tmp_path) == []


@pytest.mark.parametrize("forced", ["echo forced", "internal-sftp", "false"])
def test_a_forced_command_leaves_no_script(tmp_path: Path, forced: str) -> None:
    with temporary_sshd(f"ForceCommand {forced}\n") as server:
        for way in WAYS:
            host = server.host(ansible_connection=way)
            result = perform(host, script_job(tmp_path), server.options(command_timeout_s=5.0))
            assert "<" not in result.stdout
    assert left(tmp_path) == []


# As another user -------------------------------------------------------------------------------------------

REFUSED = {
    "sudo": "sudo to root refused: sudo: 1 incorrect password attempt",
    "su": "su to root refused: su: Authentication failure",
    "doas": "doas to root refused: doas: Authentication failed",
}
NOT_GIVEN = {
    "sudo": "sudo to root wants a password and none was given: sudo: a password is required",
    "su": "su to root wants a password and none was given: su: Authentication failure",
    "doas": "doas to root wants a password and none was given: doas: Authentication required",
}


def become(server: Sshd, shells: Sequence[str], method: str, password: str | None) -> dict[str, HostResult]:
    required_program(method)
    secret = None if password is None else Secret(password)
    given = CommandOptions(environment=(("ONE", ODD),), directory="/usr/bin", stdin=b"words\n")
    job = CommandJob(('printf "%s\\n" "$(id -un)" "$ONE" "$PWD"\nread -r line; echo "$line"',), given)
    return outcomes(server, shells, job, become=True, become_as=Become(method, "root", secret))


def gives_no_terminal(server: Sshd, method: str, password: str | None) -> bool:
    """Return whether the server gives no terminal although the program reads passwords only from one."""
    return "asyncssh" in server.folder.name and method == "doas" and password is not None


@pytest.mark.terminal
@tried(FEW, ("csh",))
@pytest.mark.parametrize("method", ["sudo", "su", "doas"])
def test_the_right_password_makes_a_command_the_other_users(
    server: Sshd, shells: Sequence[str], method: str
) -> None:
    results = become(server, shells, method, PASSWORD)
    if gives_no_terminal(server, method, PASSWORD):
        assert {result.reason for result in results.values()} == {"pty-refused"}
    else:
        all_equal(results, "ok", 0, f"root\n{ODD}\n/usr/bin\nwords\n")


@pytest.mark.terminal
@tried(FEW, ())
@pytest.mark.parametrize("method", ["sudo", "su", "doas"])
@pytest.mark.parametrize("password", ["wrong", None])
def test_a_wrong_or_missing_password_is_told_in_the_programs_words(
    server: Sshd, shells: Sequence[str], method: str, password: str | None
) -> None:
    if gives_no_terminal(server, method, password):
        pytest.skip("this server gives no terminal, as another test shows")
    results = become(server, shells, method, password)
    reason, words = "become-refused", REFUSED
    if password is None:
        reason, words = "become-password", NOT_GIVEN

    assert {(result.status, result.reason) for result in results.values()} == {(Status.AUTH, reason)}
    errors = {result.error or "" for result in results.values()}
    assert all(error.startswith(words[method]) for error in errors), errors
    assert all(("--ask-become-pass" in error) is (password is None) for error in errors), errors


@pytest.fixture(scope="module")
def busybox() -> Iterator[Sshd]:
    """A server with BusyBox's `su`, which prompts on standard output."""
    if os.geteuid() != 0:
        pytest.skip("needs an account with its own password, which only root can make")
    program = required_program("busybox-static")
    with tempfile.TemporaryDirectory(prefix="runner-busybox-") as folder:
        Path(folder).chmod(0o755)
        shutil.copy(program, f"{folder}/su")
        Path(folder, "su").chmod(0o4755)
        with temporary_sshd(f"SetEnv PATH={folder}:/usr/bin:/bin\n", password_hash=HASHED) as server:
            yield server


def by_su_of_busybox(server: Sshd, way: str, job: Job, password: str | None) -> HostResult:
    secret = None if password is None else Secret(password)
    options = server.options(become=True, become_as=Become("su", "root", secret), command_timeout_s=20.0)
    return perform(server.host(ansible_connection=way), job, options)


@pytest.mark.parametrize("way", WAYS)
def test_a_su_that_prompts_on_standard_output_gets_its_password(busybox: Sshd, way: str) -> None:
    job = CommandJob(("id -un; cat; exit 3",), CommandOptions(stdin=b"words\n"))
    result = by_su_of_busybox(busybox, way, job, PASSWORD)

    assert (result.stdout, result.stderr) == ("root\nwords\n", ""), result.error
    assert result.commands[0].exit_code == 3


@pytest.mark.parametrize("way", WAYS)
def test_files_travel_by_a_su_that_prompts_on_standard_output(
    busybox: Sshd, tmp_path: Path, there: Path, way: str
) -> None:
    (tmp_path / "file").write_text("content")
    result = by_su_of_busybox(busybox, way, TransferJob(Put(str(tmp_path / "file"), f"{there}/x")), PASSWORD)

    assert result.ok, result.error
    assert ((there / "x").owner(), (there / "x").read_text()) == ("root", "content")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("password", "reason", "error"),
    [
        ("wrong", "become-refused", "su to root refused: su: incorrect password"),
        (
            None,
            "become-password",
            "su to root wants a password and none was given: su: incorrect password; see --ask-become-pass",
        ),
    ],
)
def test_a_su_that_prompts_on_standard_output_refuses_at_once(
    busybox: Sshd, way: str, password: str | None, reason: str, error: str
) -> None:
    result = by_su_of_busybox(busybox, way, CommandJob(("id -un",)), password)

    assert (result.status, result.reason, result.error) == (Status.AUTH, reason, error)
    assert result.stdout == ""
