"""The thread that waits for a reply reads the socket; a reader thread takes over for longer work."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from typing import TYPE_CHECKING

import pytest

from runner.connection import deadline
from runner.connection.command import CommandOptions
from runner.connection.deadline import Deadline
from runner.connection.options import ConnectionOptions, HostKeyPolicy
from runner.connection.ssh import SshConnection, connect
from runner.connection.transport.paramiko_fixes import Transport
from runner.errors import Cancelled
from runner.jobs import CommandJob, perform
from runner.models import Host, HostResult, Secret, Status
from tests.connection.peers.ssh import PASSWORD, USER, Channel, Script
from tests.connection.peers.stage import Stage
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.sshd import Sshd

MEGABYTE = 2**20


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


def transport_of(connection: SshConnection) -> Transport:
    assert connection._transport is not None
    return connection._transport


def wait_for_thread(transport: Transport) -> None:
    assert comes_true(transport.is_alive)


def test_where_no_thread_is_left_a_host_that_needs_one_says_so(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_transport: Transport) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Transport, "start", refused)
    options = sshd.options(retries=0)
    plain = perform(sshd.host(), CommandJob(("true",)), options)
    fed = perform(sshd.host(), CommandJob(("cat",), given=CommandOptions(stdin=b"words")), options)

    assert plain.ok
    assert (fed.status, fed.reason) == (Status.ERROR, "local-limit")
    assert "ulimit -u" in (fed.error or "")


def test_a_host_that_is_soon_done_has_no_thread(sshd: Sshd) -> None:
    before = set(threading.enumerate())
    connection = connect(sshd.host(), sshd.options(), Deadline())
    connection.run("true")
    transport = transport_of(connection)
    connection.close()

    assert transport.ident is None
    assert all(thread.name == "runner-watchdog" for thread in set(threading.enumerate()) - before)


def test_what_lasts_is_read_by_a_thread(connection: SshConnection) -> None:
    result = connection.run("echo one; sleep 1.5; echo two")

    assert result.stdout == "one\ntwo\n"
    assert transport_of(connection).is_alive()
    assert connection.run("echo three").stdout == "three\n"


def test_a_connection_that_nobody_uses_gets_a_thread(connection: SshConnection) -> None:
    wait_for_thread(transport_of(connection))

    assert connection.run("echo here").stdout == "here\n"


def test_a_thread_notices_the_end_of_a_connection_that_nobody_uses(connection: SshConnection) -> None:
    transport = transport_of(connection)
    wait_for_thread(transport)
    connection._hang_up()
    transport.join(60)

    assert not connection.alive()


def test_what_is_sent_and_printed_at_once_is_read_by_a_thread(connection: SshConnection) -> None:
    sent = bytes(range(256)) * (4 * MEGABYTE // 256)

    assert connection.run("cat", CommandOptions(stdin=sent)).stdout_bytes == sent
    assert transport_of(connection).is_alive()


def test_a_server_with_a_cipher_that_hides_lengths_is_read_by_a_thread(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Transport, "_preferred_ciphers", ("aes128-ctr",))
    monkeypatch.setattr(Transport, "_preferred_macs", ("hmac-sha2-256",))
    connection = connect(sshd.host(), sshd.options(), Deadline())
    transport = transport_of(connection)

    assert transport.remote_cipher == "aes128-ctr"
    assert connection.run("echo one; echo two >&2; exit 3").exit_code == 3
    assert transport.is_alive()
    connection.close()


def test_a_connection_that_broke_when_nobody_read_is_found_out_by_who_sends(
    connection: SshConnection,
) -> None:
    process = connection._process({})
    connection._hang_up()
    with pytest.raises(EOFError):
        process.start("true")

    assert not connection.alive()
    assert process.finished


def shown(stage: Stage, data: bytes, **options: object) -> HostResult:
    """Run a command on a server that accepts it and then sends these bytes, which are not a packet."""

    async def answer(channel: Channel) -> None:
        channel._conn._transport.write(data)  # type: ignore[union-attr]

    host = Host("peer", {"ansible_host": "127.0.0.1", "ansible_port": stage.ssh(Script(answer=answer))})
    how: dict[str, object] = {"user": USER, "password": Secret(PASSWORD), "ssh_config": None, **options}
    return perform(host, CommandJob(("show",)), ConnectionOptions(**how))  # type: ignore[arg-type]


def test_half_a_packet_does_not_hold_up_the_deadlines(stage: Stage) -> None:
    half = (1024).to_bytes(4, "big") + bytes(100)
    result = shown(stage, half, idle_timeout_s=0.5, host_key_policy=HostKeyPolicy.OFF)

    assert (result.status, result.reason) == (Status.TIMEOUT, "idle"), result


def test_a_packet_that_is_announced_too_long_is_not_waited_for(stage: Stage) -> None:
    endless = (2**30).to_bytes(4, "big") + bytes(100)
    result = shown(stage, endless, host_key_policy=HostKeyPolicy.OFF)

    assert (result.status, result.reason) == (Status.LOST, "connection-lost"), result


def test_a_run_that_is_stopped_at_once_ends_its_command(sshd: Sshd) -> None:
    connection = connect(sshd.host(), sshd.options(), Deadline(run="stopped"))
    raised: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            connection.run("sleep 100")
        except Cancelled as exc:
            raised.put(exc)

    worker = threading.Thread(target=work)
    worker.start()
    assert comes_true(lambda: connection.sent)
    deadline.abort("stopped")

    assert raised.get(timeout=60)
    worker.join(60)
    connection.close()
    deadline.forget("stopped")


def test_a_connection_that_has_ended_is_no_garbage(sshd: Sshd) -> None:
    connection = connect(sshd.host(), sshd.options(), Deadline())
    connection.run("true")
    transport = weakref.ref(transport_of(connection))
    gc.disable()
    try:
        connection.close()
        del connection
        assert transport() is None
    finally:
        gc.enable()
