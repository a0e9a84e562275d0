"""The login uses the connection that the probe has made, if it is still usable."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.connection.connections import Connections
from runner.connection.transport import preconnected
from runner.connection.transport.dial import dial
from runner.connection.transport.preconnected import Preconnected, taken
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob
from runner.models import Endpoint, Host, HostResult
from runner.reach import ReachOptions
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.sshd import Sshd


@contextmanager
def server() -> Iterator[tuple[socket.socket, Endpoint]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        yield listening, Endpoint("127.0.0.1", listening.getsockname()[1])


def connected(endpoint: Endpoint) -> socket.socket:
    sock = socket.create_connection((endpoint.address, endpoint.port), 10)
    sock.setblocking(False)
    return sock


def is_closed(sock: socket.socket) -> bool:
    return sock.fileno() == -1


def test_who_dials_gets_the_connection_that_is_there() -> None:
    with server() as (listening, endpoint), closing(Preconnected(1)) as kept:
        sock = connected(endpoint)
        accepted, peer = listening.accept()
        kept(endpoint, sock)
        with closing(dial(endpoint, 5)) as dialled, accepted:
            assert dialled.getsockname() == peer
            accepted.sendall(b"SSH-2.0-x\r\n")
            dialled.settimeout(5)
            assert dialled.recv(100) == b"SSH-2.0-x\r\n"
        assert taken(endpoint) is None


def test_a_connection_goes_to_nobody_else() -> None:
    with server() as (_, endpoint), closing(Preconnected(1)) as kept:
        kept(endpoint, connected(endpoint))
        assert taken(Endpoint("127.0.0.1", endpoint.port + 1)) is None
        assert taken(Endpoint("localhost", endpoint.port)) is None


def test_a_connection_that_the_server_has_ended_is_made_anew() -> None:
    with server() as (listening, endpoint), closing(Preconnected(2)) as kept:
        dead = connected(endpoint)
        kept(endpoint, dead)
        listening.accept()[0].close()
        with closing(dial(endpoint, 5)) as dialled, listening.accept()[0]:
            assert is_closed(dead)
            assert dialled.fileno() != -1


def test_what_the_server_has_said_already_is_still_to_be_read() -> None:
    with server() as (listening, endpoint), closing(Preconnected(1)) as kept:
        kept(endpoint, connected(endpoint))
        with listening.accept()[0] as accepted:
            accepted.sendall(b"SSH-2.0-x\r\n")
            sock = taken(endpoint)
            assert sock is not None
            with sock:
                sock.settimeout(5)
                assert sock.recv(100) == b"SSH-2.0-x\r\n"


def test_no_more_are_kept_than_there_are_workers() -> None:
    with server() as (_, endpoint), closing(Preconnected(2)) as kept:
        socks = [connected(endpoint) for _ in range(3)]
        for sock in socks:
            kept(endpoint, sock)
        assert [is_closed(sock) for sock in socks] == [False, False, True]


def test_few_are_kept_to_one_server_however_many_workers_there_are() -> None:
    with server() as (_, endpoint), closing(Preconnected(50)) as kept:
        socks = [connected(endpoint) for _ in range(6)]
        for sock in socks:
            kept(endpoint, sock)
        assert [is_closed(sock) for sock in socks] == [False] * 4 + [True] * 2


def test_at_the_end_all_are_closed_and_so_is_what_comes_later() -> None:
    with server() as (_, endpoint):
        socks = [connected(endpoint) for _ in range(2)]
        kept = Preconnected(2)
        kept(endpoint, socks[0])
        kept.close()
        kept(endpoint, socks[1])
        assert all(map(is_closed, socks))
        assert taken(endpoint) is None


def test_what_nobody_fetches_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preconnected, "_KEPT_S", 0.05)
    with server() as (_, endpoint), closing(Preconnected(3)) as kept:
        socks = [connected(endpoint) for _ in range(3)]
        for sock in socks:
            kept(endpoint, sock)
        assert comes_true(lambda: all(map(is_closed, socks)))


@pytest.mark.parametrize("executor", ["thread", "serial"])
@pytest.mark.parametrize("method", ["tcp", "ssh", "auto"])
def test_a_real_server_sees_one_connection_for_probe_and_login(
    sshd: Sshd, executor: str, method: str
) -> None:
    options = FanoutOptions(executor=executor, workers=4)
    assert connections_of_a_login(sshd, options, method) == 1


def test_workers_in_other_processes_connect_for_themselves(sshd: Sshd) -> None:
    assert connections_of_a_login(sshd, FanoutOptions(executor="process", workers=1), "tcp") == 2


def connections_of_a_login(sshd: Sshd, options: FanoutOptions, method: str) -> int:
    """Return the number of connections for a probe and a login; a first run lets the log catch up."""
    counts = []
    for _ in range(2):
        (result,) = run([sshd.host("r1")], sshd, options, method)
        assert (result.status, result.stdout) == ("ok", "up\n")
        counts.append(sshd.log.count("Connection from"))
    return counts[1] - counts[0]


def run(hosts: list[Host], sshd: Sshd, options: FanoutOptions, method: str) -> list[HostResult]:
    return list(
        stream(
            hosts,
            CommandJob(("echo up",)),
            run="r",
            connecting=Connections(sshd.options()),
            options=options,
            reach=ReachOptions(method=method, timeout_s=10),
        )
    )
