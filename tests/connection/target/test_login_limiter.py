"""Limit the number of unauthenticated connections per address (sshd's MaxStartups)."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from runner.connection.connections import Connections
from runner.connection.deadline import Deadline, abort
from runner.connection.options import ConnectionOptions
from runner.connection.target.access import access
from runner.connection.target.login_limiter import LoginSlot
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, FunctionJob
from runner.models import Host
from runner.reach import ReachOptions
from tests.connection.sshd import temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.connection.target.access import LoginTarget
    from runner.jobs.session import Session
    from tests.connection.sshd import Sshd


def target(address: str, port: int = 22, most: int = 2) -> LoginTarget:
    host = Host("h", {"ansible_host": address, "ansible_port": port})
    return access(host, ConnectionOptions(startups=most, ssh_config=None))


@contextmanager
def turn(target: LoginTarget, deadline: Deadline) -> Iterator[None]:
    place = LoginSlot(target)
    place.take(deadline)
    yield
    place.give_back()
    place.give_back()  # a second time, like the end of a connection that has logged in


def most_at_once(targets: list[LoginTarget], expected: int) -> int:
    """Return how many targets had a slot at once; each waits until `expected` have one, and a moment more."""
    inside, most, lock, all_in = 0, 0, threading.Lock(), threading.Event()

    def take(each: LoginTarget) -> None:
        nonlocal inside, most
        with turn(each, Deadline()):
            with lock:
                inside += 1
                most = max(most, inside)
            if inside >= expected:
                all_in.set()
            all_in.wait(60)
            time.sleep(0.02)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=take, args=(each,)) for each in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


@pytest.mark.parametrize(
    ("targets", "most"),
    [
        ([target("192.0.2.1")] * 8, 2),
        ([target("192.0.2.1", port) for port in range(1000, 1008)], 2),
        ([target(f"192.0.2.{last}") for last in range(1, 9)], 8),
        ([target("192.0.2.1", most=0)] * 8, 8),
        ([target("127.0.0.1", port) for port in range(1000, 1008)], 8),
        ([target("127.0.0.1", 1000)] * 8, 2),
    ],
)
def test_so_many_begin_at_one_address_and_on_this_machine_at_one_port(
    targets: list[LoginTarget], most: int
) -> None:
    assert most_at_once(targets, most) == most


def test_a_jump_host_and_what_stands_behind_it_wait_for_their_own_kind_only() -> None:
    plain = target("192.0.2.9", most=1)
    host = Host("behind", {"ansible_host": "192.0.2.9", "ansible_ssh_common_args": "-J 192.0.2.1"})
    behind = access(host, ConnectionOptions(startups=1, ssh_config=None))
    assert behind.jumps
    with turn(behind, Deadline()), turn(plain, Deadline()):
        pass


def test_neither_the_hosts_deadline_nor_the_end_of_the_run_waits_for_a_turn() -> None:
    one = target("192.0.2.77", most=1)
    with turn(one, Deadline()):
        begin = time.monotonic()
        with turn(one, Deadline.after(0.1)):
            pass
        abort("ended-while-waiting")
        with turn(one, Deadline(run="ended-while-waiting")):
            pass
        assert time.monotonic() - begin < 20


@contextmanager
def server_for(startups: int) -> Iterator[Sshd]:
    """A server that refuses connections while this number of connections has not logged in."""
    with temporary_sshd(startups=startups) as server:
        yield server


@pytest.mark.parametrize(("kind", "hosts"), [("ssh", 30), ("openssh", 12)])
def test_a_limit_that_is_the_servers_own_loses_no_host(kind: str, hosts: int) -> None:
    """Also if the connection of a ping still fills the server when the first login comes."""
    most = 2
    with server_for(most) as server:
        results = list(
            stream(
                [server.host(f"h{number}", ansible_connection=kind) for number in range(hosts)],
                CommandJob(("true",)),
                run=f"full-{kind}",
                connecting=Connections(server.options(startups=most, retries=0)),
                options=FanoutOptions(workers=hosts),
                reach=ReachOptions(),
            )
        )
        assert [result.error for result in results if not result.ok] == []
        assert len(results) == hosts


def test_who_has_logged_in_makes_room_when_the_server_counts_it_no_more() -> None:
    """The server reports a successful login before it updates its count, so it could refuse the next one."""
    with server_for(1) as server:
        results = list(
            stream(
                [server.host(f"h{number}") for number in range(20)],
                CommandJob(("true",)),
                run="exact",
                connecting=Connections(server.options(startups=1)),
                options=FanoutOptions(workers=20, ping=False),
                reach=ReachOptions(),
            )
        )
        assert all(result.ok and result.attempts == 1 for result in results)
        assert server.log.count("past MaxStartups") == 0, server.log


def test_who_looks_at_keys_waits_for_a_turn_too() -> None:
    with server_for(1) as server:
        results = list(
            stream(
                [server.host(f"h{number}") for number in range(12)],
                FunctionJob(shown_keys, {}),
                run="keys",
                connecting=Connections(server.options(startups=1, retries=0)),
                options=FanoutOptions(workers=12, ping=False),
                reach=ReachOptions(),
            )
        )
        assert [result.error for result in results if not result.ok] == []
        assert all(result.value for result in results)


def shown_keys(session: Session) -> list[str]:
    return [key.fingerprint for key in session.shown_keys()]
