"""Files and scripts over the system's `ssh`: on a real server, on faulty ones, and what is left behind."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection import deadline
from runner.connection.command.become import Become
from runner.connection.deadline import Deadline
from runner.connection.openssh import connection as openssh
from runner.errors import Cancelled, DeadlineExceeded
from runner.jobs import FunctionJob, Session, perform
from runner.jobs.transfers import TransferJob
from runner.models import HostResult, Phase, Secret, Status
from runner.transfer.conversation import Conversation
from runner.transfer.copying import Options
from runner.transfer.moves import Get, Put
from runner.transfer.script import Script
from runner.transfer.wire import Message, string
from tests.connection.openssh.test_connection import started_here
from tests.connection.peers.stage import Stage
from tests.connection.sshd import Sshd, required_program, running_sshd, temporary_sshd
from tests.liveness import comes_true, gone
from tests.transfer.sftp_peer import Answer, Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.transfer.moves import Transfer

OPENSSH = {"ansible_connection": "openssh"}
CONTENT = os.urandom(5 * 2**20)
PLAIN = Options(checksum=False, private=True)


@pytest.fixture(autouse=True)
def _ssh() -> None:
    required_program("ssh")


@pytest.fixture
def there() -> Iterator[Path]:
    """A folder of the host's, which is this machine, too."""
    with tempfile.TemporaryDirectory(prefix="runner-there-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(CONTENT)
    path.chmod(0o640)
    return path


@pytest.fixture
def connection(sshd: Sshd) -> Iterator[openssh.OpenSshConnection]:
    connection = openssh.connect(sshd.host(**OPENSSH), sshd.options(), Deadline())
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def moved(sshd: Sshd, transfer: Transfer, **options: Any) -> HostResult:
    return perform(sshd.host(**OPENSSH), TransferJob(transfer), sshd.options(**options))


def moved_by(stage: Stage, peer: Peer, transfer: Transfer, run: str = "", **options: object) -> HostResult:
    host = peer.host(stage)
    host = type(host)(host.name, {**host.variables, **OPENSSH})
    return perform(host, TransferJob(transfer), peer.options(**options), run=run)


def script(folder: Path, text: str, *arguments: str) -> Script:
    (folder / "job.sh").write_text(text)
    return Script.of_file(folder / "job.sh", arguments)


def silent(_peer: Peer, _number: int, _fields: bytes) -> None:
    return None


# On a real server ------------------------------------------------------------------------------------------


def test_a_file_is_put_and_got_back_equal(sshd: Sshd, source: Path, there: Path, tmp_path: Path) -> None:
    sent = moved(sshd, Put(str(source), f"{there}/x"))
    again = moved(sshd, Put(str(source), f"{there}/x"))
    fetched = moved(sshd, Get(f"{there}/x", str(tmp_path / "out")))

    assert sent.stdout.startswith("sent 5,242,880 bytes, sha256 "), sent.error
    assert stat.S_IMODE((there / "x").stat().st_mode) == 0o640
    assert again.stdout.startswith("equal")
    assert fetched.stdout.startswith("got 5,242,880 bytes")
    assert (tmp_path / "out" / "real" / "x").read_bytes() == CONTENT
    assert [path.name for path in there.iterdir()] == ["x"]
    assert started_here() == []


def test_a_folder_is_put_and_got_back_equal(sshd: Sshd, there: Path, tmp_path: Path) -> None:
    tree = {"a": b"a", "sub/empty": b"", "sub/deeper/b c": os.urandom(300_000)}
    for name, content in tree.items():
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(content)

    assert moved(sshd, Put(str(tmp_path / "tree"), f"{there}/tree")).ok
    assert moved(sshd, Get(f"{there}/tree", str(tmp_path / "out"))).ok
    for name, content in tree.items():
        assert (tmp_path / "out" / "real" / "tree" / name).read_bytes() == content


@pytest.mark.parametrize(
    ("transfer", "reason"),
    [
        (Get("/nowhere", "{}"), "no-such-file"),
        (Get("/etc/shadow", "{}"), "permission-denied"),
        (Put("/etc/hostname", "/etc/x"), "permission-denied"),
    ],
)
def test_what_the_host_refuses_is_told(sshd: Sshd, tmp_path: Path, transfer: Transfer, reason: str) -> None:
    if isinstance(transfer, Get):
        transfer = Get(transfer.source, str(tmp_path))
    result = moved(sshd, transfer)

    assert (result.status, result.reason) == (Status.FAILED, reason)


def test_a_script_runs_with_its_arguments_and_is_removed(sshd: Sshd, tmp_path: Path) -> None:
    result = moved(sshd, script(tmp_path, '#!/bin/sh\necho "$0"; echo "$1"; exit 3\n', "a b"))

    path, argument = result.stdout.splitlines()
    assert (result.status, result.commands[0].exit_code, argument) == (Status.FAILED, 3, "a b")
    assert not Path(path).exists()


def test_a_script_over_its_deadline_is_ended_and_removed(sshd: Sshd, tmp_path: Path) -> None:
    text = '#!/bin/sh\necho "$0"; exec sleep 60\n'
    result = moved(sshd, script(tmp_path, text), command_timeout_s=1.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline")
    path = Path(result.stdout.strip())
    assert comes_true(lambda: not path.exists())


def test_transfers_and_commands_share_a_login(sshd: Sshd, source: Path, there: Path) -> None:
    def upgrade(session: Session) -> list[str]:
        before = session.run("echo $SSH_CLIENT").stdout
        session.put(source, f"{there}/")
        session.get(f"{there}/image", there / "back")
        return [before, session.run("echo $SSH_CLIENT").stdout, session.run(f"wc -c <{there}/image").stdout]

    result = perform(sshd.host(**OPENSSH), FunctionJob(upgrade), sshd.options())

    assert isinstance(result.value, list), result.error
    assert result.value[0] == result.value[1] != ""
    assert result.value[2].strip() == str(len(CONTENT))


def test_a_command_that_is_ended_does_not_end_the_sftp_server(sshd: Sshd) -> None:
    connection = openssh.connect(sshd.host(**OPENSSH), sshd.options(command_timeout_s=1.0), Deadline())
    stream = connection.open_stream()
    talk = Conversation(stream)
    with pytest.raises(DeadlineExceeded):
        connection.run("sleep 60")
    kind, _ = talk.ask(Message.REALPATH, string(b"."))
    talk.close()
    connection.close()

    assert kind == Message.NAME


def test_streams_leave_no_descriptor_and_no_program(connection: openssh.OpenSshConnection) -> None:
    def programs() -> str:
        return connection.run('ps -A -o ppid= -o args= | grep -c "^ *$PPID .*[c]at$"').stdout.strip()

    connection.open_stream("exec cat").close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        stream = connection.open_stream("exec cat")
        with stream.working():
            stream.send(b"x")
            assert stream.recv() == b"x"
        stream.close()
        stream.close()

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert comes_true(lambda: programs() == "0")


def test_more_than_the_pipes_hold_goes_both_ways(connection: openssh.OpenSshConnection) -> None:
    stream = connection.open_stream("exec tee /dev/stderr")
    heard = bytearray()
    with stream.working():
        for at in range(0, len(CONTENT), 100_000):
            stream.send(CONTENT[at : at + 100_000])
            while len(heard) < min(at + 100_000, len(CONTENT)):
                heard += stream.recv()
    stream.close()

    assert heard == CONTENT
    assert len(stream.said()) <= 2000


# Without SFTP ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_sftp() -> Iterator[Sshd]:
    required_program("scp")
    with temporary_sshd(sftp=False) as server:
        yield server


def test_without_sftp_files_go_by_scp(without_sftp: Sshd, source: Path, there: Path, tmp_path: Path) -> None:
    sent = moved(without_sftp, Put(str(source), f"{there}/a b"))
    fetched = moved(without_sftp, Get(f"{there}/a b", str(tmp_path)))
    ran = moved(without_sftp, script(tmp_path, '#!/bin/sh\necho "$1"\n', "a b"))

    assert sent.stdout.startswith("sent 5,242,880 bytes, sha256 "), sent.error
    assert [path.name for path in there.iterdir()] == ["a b"]
    assert fetched.ok
    assert (tmp_path / "real" / "a b").read_bytes() == CONTENT
    assert ran.stdout == "a b\n"


def test_an_sftp_server_that_is_not_there_is_as_good_as_none(source: Path, there: Path) -> None:
    with temporary_sshd("Subsystem sftp /nowhere/sftp-server\n", sftp=False) as server:
        result = moved(server, Put(str(source), f"{there}/x"))

    assert result.ok, result.error
    assert (there / "x").read_bytes() == CONTENT


def test_an_account_for_sftp_alone_and_one_channel_at_a_time_is_enough(
    source: Path, there: Path, tmp_path: Path
) -> None:
    with temporary_sshd("MaxSessions 1\nForceCommand internal-sftp\n") as server:
        sent = moved(server, Put(str(source), f"{there}/x"))
        got = moved(server, Get(f"{there}/x", str(tmp_path)))

    assert sent.stdout.startswith("sent 5,242,880 bytes, sha256 "), sent.error
    assert got.ok
    assert (tmp_path / "real" / "x").read_bytes() == CONTENT


# As another user -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_sudo() -> Iterator[Sshd]:
    required_program("sudo")
    if os.geteuid() != 0:
        pytest.skip("only root can let an account of its own use sudo")
    with tempfile.TemporaryDirectory(prefix="runner-sshd-") as folder:
        Path(folder).chmod(0o755)
        rules = "ordinary ALL=(root) NOPASSWD: ALL\nordinary ALL=(daemon) PASSWD: ALL\n"
        with running_sshd(Path(folder), sudoers=rules) as server:
            yield server


def test_with_become_files_are_the_other_users(with_sudo: Sshd, source: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="runner-root-") as folder:
        place = Path(folder, "of-root")
        sent = moved(with_sudo, Put(str(source), str(place), Options(mode=0o600)), become=True)
        without = moved(with_sudo, Get(str(place), str(tmp_path)))
        fetched = moved(with_sudo, Get(str(place), str(tmp_path)), become=True)

        assert sent.ok, sent.error
        assert place.stat().st_uid == 0
        assert without.reason == "permission-denied"
        assert fetched.ok
        assert (tmp_path / "real" / "of-root").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["ssh", "openssh"])
def test_a_password_that_become_does_not_take_is_told_at_once(
    with_sudo: Sshd, source: Path, there: Path, kind: str
) -> None:
    become = Become("sudo", "daemon", Secret("wrong"))
    host = with_sudo.host(ansible_connection=kind)
    job = TransferJob(Put(str(source), f"{there}/x"))
    begin = time.monotonic()
    result = perform(host, job, with_sudo.options(become=True, become_as=become))

    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-refused", False)
    assert time.monotonic() - begin < 30
    assert list(there.iterdir()) == []


# On servers that misbehave ---------------------------------------------------------------------------------


def test_a_server_that_falls_silent_is_given_up(stage: Stage, source: Path) -> None:
    peer = Peer({Message.WRITE: silent})
    result = moved_by(stage, peer, Put(str(source), "/x", PLAIN), idle_timeout_s=1.0)

    assert (result.status, result.reason, result.sent) == (Status.TIMEOUT, "idle", True)
    assert b"/x" not in peer.files
    assert gone(*started_here())


def test_the_hosts_deadline_holds_in_a_transfer(stage: Stage, source: Path) -> None:
    result = moved_by(stage, Peer({Message.WRITE: silent}), Put(str(source), "/x"), host_timeout_s=3.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "host-deadline")


@pytest.mark.parametrize("kind", ["ssh", "openssh"])
def test_a_request_for_sftp_that_is_never_answered_ends_as_connecting_does(
    stage: Stage, source: Path, kind: str
) -> None:
    peer = Peer(subsystem="hang")
    host = peer.host(stage)
    host = type(host)(host.name, {**host.variables, "ansible_connection": kind})
    result = perform(host, TransferJob(Put(str(source), "/x")), peer.options(connect_timeout_s=2.0))

    assert (result.status, result.reason, result.sent) == (Status.TIMEOUT, "transfer-deadline", False)
    assert (result.phase, "within 2 s" in (result.error or "")) == (Phase.TRANSFER, True)


def test_a_connection_that_dies_in_the_middle_is_lost(stage: Stage, source: Path) -> None:
    def breaks_off(peer: Peer, _number: int, _fields: bytes) -> None:
        peer.cut()

    peer = Peer({Message.WRITE: breaks_off})
    result = moved_by(stage, peer, Put(str(source), "/x", PLAIN), retries=2)

    assert (result.status, result.reason, result.sent) == (Status.LOST, "connection-lost", True)
    assert result.attempts == 1


def test_one_that_dies_before_anything_was_written_is_tried_again(stage: Stage, source: Path) -> None:
    def breaks_off_once(peer: Peer, number: int, fields: bytes) -> bytes | None:
        if peer.visits == 1:
            peer.cut()
            return None
        return Peer.honest(Message.LSTAT)(peer, number, fields)

    peer = Peer({Message.LSTAT: breaks_off_once})
    result = moved_by(stage, peer, Put(str(source), "/x", PLAIN), retries=2)

    assert (result.status, result.attempts) == (Status.OK, 2), result.error


def slow(begun: threading.Event) -> Answer:
    def answer(peer: Peer, number: int, fields: bytes) -> bytes:
        begun.set()
        time.sleep(0.02)
        return bytes(Peer.honest(Message.WRITE)(peer, number, fields) or b"")

    return answer


def stalls(begun: threading.Event) -> Answer:
    def answer(_peer: Peer, _number: int, _fields: bytes) -> None:
        begun.set()

    return answer


@pytest.mark.parametrize("behaviour", [slow, stalls])
def test_a_stopped_run_ends_a_transfer_and_leaves_nothing(
    stage: Stage, tmp_path: Path, behaviour: Callable[[threading.Event], Answer]
) -> None:
    begun = threading.Event()
    (tmp_path / "large").write_bytes(bytes(50 * 2**20))
    peer = Peer({Message.WRITE: behaviour(begun)})

    def stop() -> None:
        begun.wait(20)
        deadline.abort("stopped-openssh-put")

    aborting = threading.Thread(target=stop)
    aborting.start()
    result = moved_by(stage, peer, Put(str(tmp_path / "large"), "/x", PLAIN), "stopped-openssh-put")
    aborting.join()
    deadline.forget("stopped-openssh-put")

    assert (result.status, result.reason, result.sent) == (Status.CANCELLED, "stopped", True)
    assert b"/x" not in peer.files
    assert gone(*started_here())


def test_a_stopped_run_tidies_up_on_a_server_that_still_answers(sshd: Sshd, there: Path) -> None:
    connection = openssh.connect(sshd.host(**OPENSSH), sshd.options(), Deadline(run="tidy-openssh"))
    talk = Conversation(connection.open_stream())
    (there / "part").touch(mode=0o666)
    deadline.abort("tidy-openssh")
    with pytest.raises(Cancelled):
        talk.ask(Message.REALPATH, string(b"."))
    with talk.working(last=True):
        talk.answer_to(talk.post(Message.REMOVE, string(os.fsencode(there / "part"))))
    talk.close()
    connection.close()
    deadline.forget("tidy-openssh")

    assert list(there.iterdir()) == []
