"""Names and addresses, as any user meets them."""

from __future__ import annotations

import select
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from runner.models import Host
from runner.reach import Reason
from runner.reach.reasons import Failure
from runner.reach.resolve import Resolver, numeric_addresses
from runner.reach.target import Target
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator


def target(name: str, where: str) -> Target:
    return Target(Host(name), where, 22)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    opened = Resolver(10)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("address", "family", "sockaddr"),
    [
        ("192.0.2.1", socket.AF_INET, ("192.0.2.1", 22)),
        ("2001:db8::1", socket.AF_INET6, ("2001:db8::1", 22, 0, 0)),
        ("2001:DB8:0:0::1", socket.AF_INET6, ("2001:db8::1", 22, 0, 0)),
    ],
)
def test_an_address_needs_no_lookup(address: str, family: int, sockaddr: tuple[object, ...]) -> None:
    (located,) = numeric_addresses(address, 22)
    assert (located.family, located.sockaddr) == (family, sockaddr)


@pytest.mark.parametrize("name", ["r1", "r1.example.net", "1.2.3", "2001:db8::zz", "a\0b", ""])
def test_a_name_is_no_address(name: str) -> None:
    assert numeric_addresses(name, 22) == ()


def test_a_zone_is_kept() -> None:
    name = socket.if_indextoname(1)
    (located,) = numeric_addresses(f"fe80::1%{name}", 22)
    assert located.sockaddr[3] == 1
    assert located.subnet == bytes.fromhex("fe80000000000000")


def test_hosts_with_the_same_name_share_one_lookup(resolver: Resolver) -> None:
    targets = [target(f"r{number}", "localhost") for number in range(50)]
    for each in targets:
        resolver.add(each)
    select.select([resolver], [], [], 10)
    outcomes = dict(resolver.outcomes())
    assert list(outcomes) == targets
    assert all(not isinstance(outcome, Failure) and outcome[0].loopback for outcome in outcomes.values())
    assert resolver.next_due() is None


def test_a_name_that_cannot_be_one_is_not_found(resolver: Resolver) -> None:
    resolver.add(target("r1", "x" * 70 + ".example"))
    select.select([resolver], [], [], 10)
    ((_, outcome),) = resolver.outcomes()
    assert isinstance(outcome, Failure)
    assert outcome.reason is Reason.NAME_NOT_FOUND


def test_the_threads_end_with_the_resolver() -> None:
    before = set(threading.enumerate())
    resolver = Resolver(10)
    for number in range(40):
        resolver.add(target(f"r{number}", f"127.{number}"))
    assert len(set(threading.enumerate()) - before) <= 32
    resolver.close()
    assert comes_true(lambda: not set(threading.enumerate()) - before)
