"""A job on one host: it always ends in exactly one result, and no command runs twice."""

from __future__ import annotations

import dataclasses
import pickle
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner.connection import deadline
from runner.connection.options import ConnectionOptions
from runner.jobs import CommandJob, FunctionJob, Session, perform
from runner.models import Host, HostResult, Status
from runner.reach import ReachOptions
from tests.connection.peers import ssh
from tests.connection.peers.ssh import PASSWORD, Script
from tests.connection.peers.stage import Stage
from tests.reach.servers import listening, says_nothing

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from runner.jobs import Job

LOCAL = Host("here", {"ansible_connection": "local"})


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def options(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConnectionOptions:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return stage.options(tmp_path, connect_timeout_s=2.0, command_timeout_s=2.0, retries=3)


def at(port: int, **variables: Any) -> Host:
    return Host("h", {"ansible_host": "127.0.0.1", "ansible_port": port, **variables})


def local(job: Job, **options: Any) -> HostResult:
    return perform(LOCAL, job, ConnectionOptions(**options))


def test_commands_run_in_order_up_to_the_first_that_fails() -> None:
    result = local(CommandJob(("echo one", "exit 3", "echo three")))

    assert result.status is Status.FAILED
    assert result.reason == "exit-code"
    assert [done.command for done in result.commands] == ["echo one", "exit 3"]
    assert [done.exit_code for done in result.commands] == [0, 3]
    assert result.stdout == "one\n"


def test_a_result_says_where_when_and_how_often(stage: Stage, options: ConnectionOptions) -> None:
    port = stage.ssh(Script())
    reached = HostResult("h", Status.OK, rtt_ms=0.5, method="icmp")
    result = perform(at(port), CommandJob(("true",)), options, reached)

    assert (result.address, result.port) == ("127.0.0.1", port)
    assert (result.rtt_ms, result.method) == (0.5, "icmp")
    assert result.attempts == 1
    assert result.duration_s > 0
    assert result.phase is None
    assert result.reason is None


def test_what_passes_is_tried_again_until_the_tries_are_used_up(
    stage: Stage, options: ConnectionOptions
) -> None:
    quick = dataclasses.replace(options, retries=1)
    result = perform(at(stage.raw("closes_at_once")), CommandJob(("true",)), quick)

    assert result.status is Status.UNREACHABLE
    assert result.attempts == 2


def test_a_refused_login_is_never_tried_again(stage: Stage, options: ConnectionOptions) -> None:
    script = Script(password=ssh.refuses)
    result = perform(at(stage.ssh(script)), CommandJob(("true",)), options)

    assert result.status is Status.AUTH
    assert result.attempts == 1
    assert script.passwords == [PASSWORD]


@pytest.mark.parametrize("answer", [ssh.drops_in_the_middle, ssh.no_exit_status, ssh.killed, ssh.exits(255)])
def test_a_command_that_was_sent_is_never_sent_again(
    stage: Stage, options: ConnectionOptions, answer: ssh.Answer
) -> None:
    script = Script(answer=answer)
    result = perform(at(stage.ssh(script)), CommandJob(("reload",)), options)

    assert result.sent
    assert result.attempts == 1
    assert script.commands == ["reload"]


def test_a_second_command_that_could_not_be_sent_does_not_repeat_the_first(
    stage: Stage, options: ConnectionOptions
) -> None:
    script = Script(commands_per_connection=0)
    script.commands_per_connection = 1
    script.answer = ssh.says_ok
    result = perform(at(stage.ssh(script)), CommandJob(("first", "second", "third")), options)

    assert result.ok, result
    assert script.commands == ["first", "second", "third"]


def test_the_hosts_deadline_bounds_all_tries_together(stage: Stage, options: ConnectionOptions) -> None:
    import time

    bounded = dataclasses.replace(options, retries=100, host_timeout_s=1.5)
    begin = time.monotonic()
    result = perform(at(stage.raw("closes_at_once")), CommandJob(("true",)), bounded)

    assert not result.ok
    assert time.monotonic() - begin < 20  # a hundred tries with their pauses take minutes


def test_a_stopped_run_is_not_tried_again(stage: Stage, options: ConnectionOptions) -> None:
    deadline.abort("stopped-before")
    result = perform(at(stage.ssh(Script())), CommandJob(("true",)), options, run="stopped-before")
    deadline.forget("stopped-before")

    assert result.status is Status.CANCELLED
    assert not result.sent


def test_a_devices_refusal_is_a_failure_although_it_says_exit_code_0(
    stage: Stage, options: ConnectionOptions
) -> None:
    async def refuse(channel: ssh.Channel) -> None:
        channel.write(b"% Invalid input detected at '^' marker.\r\n\x1b[2J")
        channel.exit(0)

    script = Script(answer=refuse)
    host = at(stage.ssh(script), ansible_network_os="cisco.ios.ios")
    result = perform(host, CommandJob(("shwo version",)), options)

    assert (result.status, result.reason) == (Status.FAILED, "refused")
    assert result.commands[0].exit_code == 0
    assert "% Invalid input" in (result.error or "")
    assert (result.error or "").isprintable()


def test_an_unknown_connection_is_that_hosts_error() -> None:
    result = perform(Host("h", {"ansible_connection": "telepathy"}), CommandJob(("x",)), ConnectionOptions())

    assert (result.status, result.reason) == (Status.ERROR, "bad-variable")
    assert "ssh" in (result.error or "")
    assert not result.sent


def test_a_refused_variable_is_that_hosts_error() -> None:
    host = Host("h", {"ansible_ssh_common_args": "-o ProxyCommand='touch x'"})
    result = perform(host, CommandJob(("x",)), ConnectionOptions())

    assert (result.status, result.reason) == (Status.ERROR, "refused-variable")


@pytest.mark.parametrize(
    ("exception", "text"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "MemoryError"),
        (ValueError("two\nlines\x1b[2J"), r"ValueError: two\nlines\x1b[2J"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_a_job_that_raises_anything_is_its_hosts_error(exception: BaseException, text: str) -> None:
    def job(session: Session) -> None:  # noqa: ARG001 - the signature of a job
        raise exception

    result = local(FunctionJob(job))

    assert (result.status, result.reason) == (Status.ERROR, "job-raised")
    assert result.error is not None
    said, place = result.error.rsplit(" ", 1)
    assert said == text
    assert re.fullmatch(r"\(test_jobs\.py:\d+\)", place)  # file and line of the error


def test_ctrl_c_in_a_job_is_let_through() -> None:
    def job(session: Session) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local(FunctionJob(job))


def test_a_function_sees_its_host_and_its_value_is_the_results() -> None:
    def job(session: Session, word: str) -> dict[str, str]:
        assert session.variables["ansible_connection"] == "local"
        said = session.run(f"echo {word}").stdout
        failed = session.run("exit 4", warn=True)
        return {"name": session.name, "said": said, "code": str(failed.exit_code)}

    result = local(FunctionJob(job, {"word": "hello"}))

    assert result.ok
    assert result.value == {"name": "here", "said": "hello\n", "code": "4"}
    assert [done.exit_code for done in result.commands] == [0, 4]
    assert result.sent


def test_a_function_that_runs_nothing_sends_nothing() -> None:
    assert local(FunctionJob(top_level)).sent is False


def top_level(session: Session, word: str = "x") -> str:
    return f"{word} {session.name}"


@runner.host_task
def decorated(session: Session, word: str = "x") -> str:
    """A function whose module-level name is an Invoke task."""
    return f"{word} {session.name}"


@pytest.mark.parametrize("function", [top_level, decorated.function])
def test_a_function_travels_by_its_name_also_when_that_stands_for_a_task(function: Any) -> None:
    travelled = pickle.loads(pickle.dumps(FunctionJob(function, {"word": "hello"})))

    assert travelled.function is function
    assert local(travelled).value == "hello here"


def test_it_arrives_in_another_process(tmp_path: Path) -> None:
    travelling = tmp_path / "job"
    travelling.write_bytes(pickle.dumps(FunctionJob(decorated.function, {"word": "hello"})))
    program = (
        "import pickle, sys; from runner.jobs import perform; from runner.models import Host;"
        "from runner.connection.options import ConnectionOptions;"
        "job = pickle.load(open(sys.argv[1], 'rb'));"
        "print(perform(Host('there', {'ansible_connection': 'local'}), job, ConnectionOptions()).value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(travelling)], check=True, capture_output=True, text=True
    )

    assert done.stdout == "hello there\n"


def test_a_function_without_a_name_of_its_own_says_why_it_cannot_travel() -> None:
    def inner(session: Session) -> None:
        """A local function, which cannot be imported."""

    for function in (inner, lambda session: None):  # noqa: ARG005
        with pytest.raises(pickle.PicklingError, match="define it at the top of a module"):
            pickle.dumps(FunctionJob(function))


def test_a_command_job_travels_as_it_is() -> None:
    job = CommandJob(("a", "b"))

    assert pickle.loads(pickle.dumps(job)) == job


async def _coroutine(_session: Session) -> int:
    return 1


def _generator(_session: Session) -> Iterator[int]:
    yield 1


@pytest.mark.parametrize("function", [_coroutine, _generator])
def test_a_function_that_does_nothing_when_it_is_called_is_no_success(function: Any) -> None:
    result = local(FunctionJob(function))
    assert (result.status, result.reason, result.value) == (Status.ERROR, "job-raised", None)
    assert result.error is not None
    assert "nothing was done" in result.error


def test_an_abort_of_the_run_ends_the_ping_of_a_worker() -> None:
    """The host was only pinged: its result says that no command was sent to it."""
    reach = ReachOptions(method="ssh", timeout_s=120, tries=1)
    pinged = threading.Event()

    def accept(connection: socket.socket) -> None:
        says_nothing(connection)
        pinged.set()

    with listening(accept) as port, ThreadPoolExecutor(1) as pool:
        silent = Host("silent", {"ansible_host": "127.0.0.1", "ansible_port": port})
        job, options = CommandJob(("true",)), ConnectionOptions(ssh_config=None)
        future = pool.submit(perform, silent, job, options, None, "pinged", reach)
        assert pinged.wait(60)
        deadline.abort("pinged")
        result = future.result(60)
        deadline.forget("pinged")
    assert (result.status, result.reason, result.sent) == (Status.CANCELLED, "stopped", False)
