"""Dial: from a name and a port to a socket; all addresses are tried, in time, and every failure is named."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.transport.dial import PeerSocket, dial, resolve
from runner.errors import Cancelled, HostError, Unreachable
from runner.models import Endpoint, Phase
from tests.connection.peers.stage import Stage
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int], wait_s: float = 0.0) -> None:
    """Make the resolver return these addresses for the name `some.example`, after `wait_s` seconds."""
    known = socket.getaddrinfo

    def resolver(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host != "some.example":
            return known(host, port, *args, **options)
        time.sleep(wait_s)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address, _ in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", place)
            for family, place in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)


def failure(endpoint: Endpoint, timeout_s: float = 1.0) -> HostError:
    with pytest.raises(HostError) as raised:
        dial(endpoint, timeout_s)
    return raised.value


def test_a_socket_that_stands_has_no_delay(listener: int) -> None:
    connected = dial(Endpoint("127.0.0.1", listener), 5)

    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert connected.getpeername() == ("127.0.0.1", listener)
    connected.close()


def test_a_closed_port_is_named_and_not_worth_another_try(stage: Stage) -> None:
    error = failure(Endpoint("127.0.0.1", stage.refusing()))

    assert (error.reason, error.phase, error.transient) == ("port-closed", Phase.CONNECT, False)


def test_silence_is_named_with_its_deadline(stage: Stage) -> None:
    begin = time.monotonic()
    error = failure(Endpoint("127.0.0.1", stage.silent()), 0.5)

    assert (error.reason, error.transient) == ("no-reply", True)
    assert "0.5 s" in str(error)
    assert time.monotonic() - begin < 30  # the kernel gives up after two minutes (tcp_syn_retries)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "fe80::1%no-such-interface"])
def test_a_name_that_is_not_known_is_named_as_such(name: str) -> None:
    error = failure(Endpoint(name, 22), 20)

    assert (error.reason, error.phase) == ("name-not-found", Phase.RESOLVE)
    assert name not in str(error)


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ("127.0.0.1", 1), wait_s=20)
    begin = time.monotonic()
    error = failure(Endpoint("some.example", 22), 0.3)

    assert (error.reason, error.phase) == ("resolve-timeout", Phase.RESOLVE)
    assert time.monotonic() - begin < 15


def test_stopping_the_run_ends_the_wait_for_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ("127.0.0.1", 1), wait_s=20)
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        dial(Endpoint("some.example", 22), 30, lambda: True)

    assert time.monotonic() - begin < 15


def test_the_next_address_is_tried_where_one_is_closed(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, listener: int
) -> None:
    answers(monkeypatch, ("127.0.0.1", stage.refusing()), ("127.0.0.1", listener))
    connected = dial(Endpoint("some.example", 22), 5)

    assert connected.getpeername()[1] == listener
    connected.close()


def test_an_address_that_is_silent_holds_the_next_up_by_a_quarter_second_only(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, listener: int
) -> None:
    answers(monkeypatch, ("127.0.0.1", stage.silent()), ("127.0.0.1", listener))
    begin = time.monotonic()
    dial(Endpoint("some.example", 22), 60).close()

    assert time.monotonic() - begin < 20


def test_a_refusal_says_more_than_a_family_that_this_machine_has_no_route_for(
    monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    answers(monkeypatch, ("127.0.0.1", stage.refusing()), ("2001:db8::1", 22))

    assert failure(Endpoint("some.example", 22), 2).reason in ("port-closed", "no-reply")


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ("::1", 1), ("::1", 2), ("127.0.0.1", 3), ("127.0.0.1", 4))
    ordered = [place[1] for _, place in resolve(Endpoint("some.example", 22), 5)]

    assert ordered == [1, 3, 2, 4]


def test_stopping_the_run_ends_the_wait_for_an_answer(stage: Stage) -> None:
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        dial(Endpoint("127.0.0.1", stage.silent()), 30, lambda: True)

    assert time.monotonic() - begin < 20


def test_a_process_without_free_descriptors_says_so(listener: int) -> None:
    import resource
    from contextlib import suppress

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[socket.socket] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        with suppress(OSError):
            while True:
                held.append(socket.socket())
        with pytest.raises(HostError) as raised:
            dial(Endpoint("127.0.0.1", listener), 1)
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert raised.value.reason == "local-limit"
    assert "ulimit -n" in str(raised.value)


def test_closing_wakes_whoever_reads(listener: int) -> None:
    connected = dial(Endpoint("127.0.0.1", listener), 5)
    connected.settimeout(100)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(connected.recv(10)))
    reader.start()
    assert comes_true(lambda: connected._reader is not None)
    connected.close()
    reader.join(60)

    assert not reader.is_alive()
    assert heard == [b""]


def test_the_first_words_are_kept_until_they_are_of_no_use() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wrapped = PeerSocket(ours)
        theirs.sendall(b"SSH-2.0-x\r\n")
        wrapped.recv(100)
        assert wrapped.preamble == b"SSH-2.0-x\r\n"
        wrapped.settle()
        theirs.sendall(b"more")
        wrapped.recv(100)

        assert wrapped.preamble == b""


def test_unreachable_hosts_are_the_error_for_all_of_these(stage: Stage) -> None:
    assert isinstance(failure(Endpoint("127.0.0.1", stage.refusing())), Unreachable)
