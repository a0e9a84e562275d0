"""The common behaviour of all connections: statuses, output, limits, host keys, logins, cancelling, history.

One suite runs over `ssh`, `openssh`, `local` and `cli`, each with a real peer; `conforming` has the peers.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Status
from runner.connection import pool
from runner.connection.deadline import abort, forget
from runner.jobs import CommandJob, perform
from runner.settings import Settings
from tests.connection.auth.test_login import HASHED
from tests.connection.cli.device import Device
from tests.connection.cli.script import Script
from tests.connection.cli.steps import DROP, HANG, Later, Pause
from tests.connection.cli.traps import SYSLOG
from tests.connection.conforming import LOUD_BYTES, PASSWORD, PEERS, Peer
from tests.connection.peers import ssh as peer_ssh
from tests.connection.peers.stage import Stage
from tests.connection.sshd import temporary_sshd
from tests.liveness import comes_true
from tests.projects import Project, interrupt_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner import Host, HostResult, Results
    from tests.connection.cli.session import Session
    from tests.connection.sshd import Sshd

WITH_LOGIN = tuple(way for way in PEERS if way != "local")
CLI = tuple(way for way in PEERS if way.startswith("cli"))
LONG_S = 120.0
SHORT_S = 2.0
PATIENCE = pytest.mark.timeout(300)
pytestmark = PATIENCE


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    if os.geteuid() != 0:
        pytest.skip("only root's sshd can check a password")
    with temporary_sshd("PasswordAuthentication yes\n", password_hash=HASHED) as server:
        yield server


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture(params=PEERS)
def any_peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    """The peer of each connection."""
    context: AbstractContextManager[Peer] = PEERS[request.param](
        lambda: request.getfixturevalue("server"), tmp_path
    )
    with context as peer:
        yield peer


@pytest.fixture
def peer(any_peer: Peer) -> Peer:
    """The peer of each connection that logs in."""
    return any_peer


with_login = pytest.mark.parametrize("any_peer", WITH_LOGIN, indirect=True)
only_cli = pytest.mark.parametrize("any_peer", CLI, indirect=True)


class Run:
    """Runs commands on hosts as a script does.

    Args:
        peer: The peer.
        folder: The folder of the file with host keys.
    """

    def __init__(self, peer: Peer, folder: Path) -> None:
        self._peer = peer
        self._known = folder / "known_hosts"
        self.trust(peer.key)

    def trust(self, *keys: str) -> None:
        """Let the file have these host keys, and no others, for every port."""
        self._known.write_text("".join(f"[127.0.0.1]:* {key}\n" for key in keys if key))

    def on(self, hosts: list[Host], *names: str, **settings: Any) -> Results:
        """Run commands, by name, on hosts; no result and no error shows the password."""
        results = runner.run(hosts, self._commands(names), **self._settings | settings)
        assert PASSWORD not in repr(list(results.values())) + json.dumps(results.to_dict())
        return results

    def __call__(self, *names: str, **settings: Any) -> HostResult:
        """Run commands on the peer."""
        (result,) = self.on([self._peer.host()], *names, **settings).values()
        return result

    def stopped(self, host: Host, *names: str, when: Callable[[], bool]) -> HostResult:
        """Run commands on a host, and stop this run as soon as something holds."""
        settings = Settings.resolve(self._settings | {"connect_timeout": LONG_S})
        job, name = CommandJob(tuple(self._commands(names))), f"stopped-{host.name}"
        with ThreadPoolExecutor(1) as worker:
            work = worker.submit(perform, host, job, settings.connection_options(), run=name)
            assert comes_true(when, LONG_S)
            abort(name)
            result = work.result(LONG_S)
        forget(name)
        return result

    @property
    def _settings(self) -> dict[str, Any]:
        return {"known_hosts": (str(self._known),), "ssh_config": "none", "retries": 0, "timeout": LONG_S}

    def _commands(self, names: Iterable[str]) -> list[str]:
        return [self._peer.command(name) for name in names]


@pytest.fixture
def run(any_peer: Peer, tmp_path: Path) -> Run:
    return Run(any_peer, tmp_path)


def told(result: HostResult) -> tuple[Status, str | None]:
    return result.status, result.reason


def has_begun(peer: Peer) -> bool:
    """Wait until the peer hangs in the command `hang`, and give the client time to read its output."""
    begun = comes_true(lambda: peer.ran("hang") == 1, LONG_S)
    time.sleep(1)
    return begun


def key_of(device: Device) -> str:
    return " ".join(device.known_host.split()[1:])


def outputs(result: HostResult) -> list[str]:
    return [command.stdout for command in result.commands]


# Commands -------------------------------------------------------------------------------------------------


def test_commands_run_in_order_over_one_login(any_peer: Peer, run: Run) -> None:
    result = run("one", "two", "one")
    assert told(result) == (Status.OK, None)
    assert outputs(result) == ["one\n", "two\n", "one\n"]
    assert result.sent
    assert any_peer.logins() == (1 if any_peer.key else 0)
    assert any_peer.is_left()


def test_a_bad_command_stops_those_after_it(any_peer: Peer, run: Run) -> None:
    result = run("one", "bad", "two")
    assert told(result) == (Status.FAILED, any_peer.refusal)
    assert len(result.commands) == 2
    assert any_peer.ran("two") == 0


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("timeout", "command-deadline"), ("idle_timeout", "idle"), ("host_timeout", "host-deadline")],
)
def test_a_command_that_is_too_slow_keeps_its_output(
    any_peer: Peer, run: Run, setting: str, reason: str
) -> None:
    seconds = 3 * SHORT_S if setting == "host_timeout" else SHORT_S  # the login counts as well
    result = run("one", "hang", "two", **{setting: seconds})
    assert told(result) == (Status.TIMEOUT, reason)
    assert outputs(result) == ["one\n", "begun\n"]
    assert any_peer.ran("two") == 0
    assert any_peer.is_left()


def test_output_that_is_too_long_ends_the_command(any_peer: Peer, run: Run) -> None:
    result = run("loud", "one", max_output=1000)
    assert told(result) == (Status.ERROR, "output-limit")
    assert any_peer.ran("one") == 0
    assert result.commands[0].truncated
    assert len(result.commands[0].stdout_bytes) == 1000
    assert any_peer.is_left()


def test_output_that_is_too_long_is_dropped(run: Run) -> None:
    result = run("loud", "one", max_output=1000, overflow="drop")
    assert told(result) == (Status.OK, None)
    assert len(result.commands[0].stdout_bytes) == 1000
    assert [command.truncated for command in result.commands] == [True, False]
    assert result.commands[1].stdout == "one\n"


def test_output_that_is_too_long_is_spilled(run: Run, tmp_path: Path) -> None:
    result = run("loud", "one", max_output=1000, overflow="spill", spill_dir=str(tmp_path / "spilled"))
    assert told(result) == (Status.OK, None)
    (spilled,) = (tmp_path / "spilled").rglob("*stdout*")
    assert spilled.stat().st_size == LOUD_BYTES
    assert result.commands[0].stdout_file == str(spilled)
    assert result.commands[1].stdout == "one\n"


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_every_executor_has_the_same_results(any_peer: Peer, run: Run, executor: str) -> None:
    hosts = [any_peer.host(f"h{number}") for number in range(3)]
    for names in (("one", "two"), ("one", "bad", "two")):
        found, expected = (
            {name: (told(result), outputs(result)) for name, result in run.on(hosts, *names, **how).items()}
            for how in ({"executor": executor, "workers": 2}, {"executor": "thread"})
        )
        assert found == expected
        assert len(found) == len(hosts)


# Host keys and logins -------------------------------------------------------------------------------------


@with_login
@pytest.mark.parametrize("reason", ["hostkey-unknown", "hostkey-changed"])
def test_nothing_secret_goes_to_a_host_whose_key_is_not_known(
    peer: Peer, run: Run, stage: Stage, reason: str
) -> None:
    run.trust(*([stage.public_key] if reason == "hostkey-changed" else []))
    result = run("one", retries=2)
    assert told(result) == (Status.HOSTKEY, reason)
    assert (result.sent, result.attempts) == (False, 1)
    assert (peer.logins(), peer.ran("one")) == (0, 0)


@with_login
def test_a_key_that_is_accepted_is_recorded(peer: Peer, run: Run, tmp_path: Path) -> None:
    run.trust()
    assert run("one", host_key_policy="accept-new").ok
    assert peer.key in (tmp_path / "known_hosts").read_text()
    assert run("one").ok


@with_login
def test_refused_logins_stop_the_run(peer: Peer, run: Run) -> None:
    hosts = [peer.host(f"h{number}", ansible_password="wrong") for number in range(6)]
    results = run.on(hosts, "one", workers=1, spare="0", max_refused=2, retries=2)
    assert Counter(map(told, results.values())) == {
        (Status.AUTH, "login-refused"): 2,
        (Status.CANCELLED, "max-refused"): 4,
    }
    assert not any(result.sent for result in results.values())
    assert peer.logins() == 0


@with_login
def test_a_closed_port_is_unreachable(peer: Peer, run: Run, stage: Stage) -> None:
    (result,) = run.on([peer.host(ansible_port=stage.refusing())], "one").values()
    assert told(result) == (Status.UNREACHABLE, "port-closed")
    assert not result.sent


@with_login
def test_a_jump_host_leads_to_the_peer(peer: Peer, run: Run, sshd: Sshd) -> None:
    before = sshd.log.count("Accepted publickey")
    run.trust(peer.key, sshd.public_key("ed25519"))
    jump = f"-J {sshd.user}@{sshd.address}:{sshd.port}"
    host = peer.host(ansible_ssh_common_args=jump)
    (result,) = run.on([host], "one", "two", private_key=[str(sshd.key)]).values()
    assert told(result) == (Status.OK, None)
    assert outputs(result) == ["one\n", "two\n"]
    assert sshd.log.count("Accepted publickey") == before + 1
    assert peer.logins() == 1


# Broken connections ---------------------------------------------------------------------------------------


@with_login
def test_a_connection_that_breaks_in_a_command_is_lost_and_nothing_runs_twice(peer: Peer, run: Run) -> None:
    result = run("one", "drop", "two", retries=2)
    assert told(result) == (Status.LOST, "connection-lost")
    assert outputs(result) == ["one\n", "begun\n"]
    assert (result.sent, result.attempts) == (True, 1)
    assert [peer.ran(name) for name in ("one", "drop", "two")] == [1, 1, 0]


@with_login
@pytest.mark.parametrize("after", [0, 300])
def test_a_connection_that_breaks_before_the_command_is_made_again(
    peer: Peer, run: Run, stage: Stage, after: int
) -> None:
    port = stage.early_drop(peer.variables["ansible_port"], drops=1, after=after)
    (result,) = run.on([peer.host(ansible_port=port)], "one", retries=2).values()
    assert told(result) == (Status.OK, None)
    assert (result.attempts, peer.ran("one")) == (2, 1)


class DropFirst:
    """Break the first connection; do nothing to the others."""

    async def play(self, session: Session) -> None:
        if session.device.shells == 1:
            await DROP.play(session)


@only_cli
def test_a_session_that_breaks_before_its_prompt_is_begun_again(peer: Peer, run: Run) -> None:
    script = Script(commands={"show one": "one\n"}, password=PASSWORD, login=("welcome\n", DropFirst()))
    with Device(script) as device:
        run.trust(key_of(device))
        (result,) = run.on([peer.host(ansible_port=device.port)], "one", retries=2).values()
    assert told(result) == (Status.OK, None)
    assert (result.attempts, device.commands.count("show one")) == (2, 1)


# Cancelling -----------------------------------------------------------------------------------------------


def test_a_stop_ends_a_command_and_keeps_its_output(any_peer: Peer, run: Run) -> None:
    result = run.stopped(any_peer.host(), "one", "hang", "two", when=lambda: has_begun(any_peer))
    assert (result.status, result.sent) == (Status.CANCELLED, True)
    assert outputs(result) == ["one\n", "begun\n"]
    assert [any_peer.ran(name) for name in ("one", "hang", "two")] == [1, 1, 0]
    assert any_peer.is_left()


@with_login
def test_a_stop_ends_a_login(peer: Peer, run: Run, stage: Stage) -> None:
    asked = threading.Event()

    async def judge(connection: Any, password: str) -> bool:
        asked.set()
        return await peer_ssh.hangs(connection, password)

    script = peer_ssh.Script(password=judge)
    host = peer.host(ansible_port=stage.ssh(script), ansible_user=peer_ssh.USER)
    run.trust(stage.public_key)
    result = run.stopped(host, "one", when=asked.is_set)
    assert (result.status, result.sent) == (Status.CANCELLED, False)
    assert script.commands == []


@only_cli
def test_a_stop_ends_the_wait_for_a_prompt(peer: Peer, run: Run) -> None:
    with Device(Script(password=PASSWORD, login=("welcome\n", HANG))) as device:
        run.trust(key_of(device))
        host = peer.host(ansible_port=device.port)
        result = run.stopped(host, "one", when=lambda: device.open_shells == 1)
        assert (result.status, result.sent) == (Status.CANCELLED, False)
        device.wait(lambda: device.open_connections == 0)


def test_ctrl_c_ends_a_run_of_a_script(any_peer: Peer, run: Run) -> None:
    hosts = [any_peer.host(f"h{number}") for number in range(3)]
    pressed = threading.Event()

    def press() -> None:
        if comes_true(lambda: any_peer.ran("hang") == 1, LONG_S):
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    results = run.on(hosts, "hang", workers=1, spare="0")
    presser.join()
    assert pressed.is_set()
    assert results.interrupted
    assert {(name, result.status) for name, result in results.items()} == {
        (host.name, Status.CANCELLED) for host in hosts
    }
    assert any_peer.ran("hang") == 1
    assert any_peer.is_left()


# Many jobs, and runs of the history -----------------------------------------------------------------------


@with_login
def test_one_connection_serves_several_jobs(peer: Peer, run: Run) -> None:
    host = peer.host()
    with pool.keeping(1):
        found = [run.on([host], *names)["peer"] for names in (("one", "two"), ("two",), ("bad",), ("one",))]
        assert peer.logins() == (1 if peer.lasts else 4)
    assert [outputs(result) for result in (*found[:2], found[3])] == [
        ["one\n", "two\n"],
        ["two\n"],
        ["one\n"],
    ]
    assert [result.status for result in found] == [Status.OK, Status.OK, Status.FAILED, Status.OK]
    assert peer.is_left()


@with_login
def test_a_connection_on_which_time_ran_out_serves_no_other_job(peer: Peer, run: Run) -> None:
    host = peer.host()
    with pool.keeping(1) as kept:
        assert run.on([host], "hang", timeout=SHORT_S)["peer"].status is Status.TIMEOUT
        assert len(kept) == 0
        assert outputs(run.on([host], "one")["peer"]) == ["one\n"]
    assert peer.logins() == 2


@only_cli
def test_a_connection_that_ended_between_two_jobs_is_made_again(peer: Peer, run: Run) -> None:
    script = Script(commands={"show one": ("one\n", Later(1.0, DropFirst()))}, password=PASSWORD)
    with Device(script) as device, pool.keeping(1):
        run.trust(key_of(device))
        host = peer.host(ansible_port=device.port)
        assert outputs(run.on([host], "one")["peer"]) == ["one\n"]
        device.wait(lambda: device.open_connections == 0)
        assert outputs(run.on([host], "one")["peer"]) == ["one\n"]
    assert (device.logins, device.commands.count("show one")) == (2, 2)


@only_cli
def test_a_message_between_two_jobs_belongs_to_neither(peer: Peer, run: Run) -> None:
    answers = {"show one": ("one\n", Later(0.5, SYSLOG)), "show two": "two\n"}
    with Device(Script(commands=answers, password=PASSWORD)) as device, pool.keeping(1):
        run.trust(key_of(device))
        host = peer.host(ansible_port=device.port)
        for _ in range(2):
            assert outputs(run.on([host], "one")["peer"]) == ["one\n"]
            time.sleep(1)
            assert outputs(run.on([host], "two", "two")["peer"]) == ["two\n", "two\n"]
        assert device.logins == (1 if peer.lasts else 4)


class AnyKey:
    """Wait for a key."""

    async def play(self, session: Session) -> None:
        await session.key("key")


@only_cli
@pytest.mark.parametrize("place", ["login", "answer"])
def test_a_key_for_a_pager_that_has_ended_is_not_part_of_a_command(peer: Peer, run: Run, place: str) -> None:
    """more(1) may draw `--More--` and then `(END)` in its place: the client presses a key for each."""
    pause = Pause(0.3)
    paged = ("one\n", b"--More--", pause, b"\r\x1b[K(END)", pause, AnyKey(), b"\r\x1b[K")
    answers = {"show one": paged if place == "answer" else "one\n", "show two": "two\n"}
    script = Script(commands=answers, password=PASSWORD, login=paged if place == "login" else ())
    with Device(script) as device:
        run.trust(key_of(device))
        result = run.on([peer.host(ansible_port=device.port)], "one", "two", timeout=20)["peer"]
    assert told(result) == (Status.OK, None)
    assert outputs(result) == ["one\n", "two\n"]
    assert device.commands[-2:] == ["show one", "show two"]


@pytest.fixture
def project(any_peer: Peer, tmp_path: Path) -> Project:
    """The project of a user with three hosts, each of them the peer."""
    made = Project(tmp_path / "project")
    hosts = {"all": {"hosts": dict.fromkeys("abc"), "vars": any_peer.variables}}
    made.write("hosts.yml", json.dumps(hosts))
    made.write("known_hosts", f"[127.0.0.1]:* {any_peer.key}\n" if any_peer.key else "")
    made.write("invoke.yaml", "runner: {inventory: hosts.yml, known_hosts: known_hosts, ssh_config: none}\n")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def states(document: dict[str, Any]) -> dict[str, str]:
    return {name: host["status"] for name, host in document["hosts"].items()}


def test_a_killed_run_is_resumed_and_nothing_runs_twice(any_peer: Peer, project: Project) -> None:
    words = ("run", "--cmd", any_peer.command("hang-first"), "--serial", "1", "--no-ping")
    with project.start(*words) as process:
        assert comes_true(lambda: any_peer.ran("hang-first") == 1, LONG_S)
        process.kill()
    resumed = project.type("run", "--no-ping", "--resume", "last", "--format", "json")
    assert states(resumed.document) == {"a": "lost", "b": "ok", "c": "ok"}
    assert any_peer.ran("hang-first") == 3
    shown = project.type("history.show", "last", "--format", "json").document
    assert states(shown) == states(resumed.document)
    assert [shown["hosts"][name]["commands"][0]["stdout"] for name in "bc"] == ["again\n"] * 2
    assert not any(
        PASSWORD.encode() in path.read_bytes() for path in (project.folder / "home").rglob("*.sq*")
    )


def test_ctrl_c_twice_ends_a_task(any_peer: Peer, project: Project) -> None:
    words = ("run", "--cmd", any_peer.command("hang"), "--serial", "1", "--no-ping", "--format", "json")
    with project.start(*words) as process:
        assert has_begun(any_peer)
        interrupt_twice(process)
        stdout, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 130
    document = json.loads(stdout)
    assert states(document) == dict.fromkeys("abc", "cancelled")
    assert document["hosts"]["a"]["commands"][0]["stdout"] == "begun\n"
    assert any_peer.is_left()
