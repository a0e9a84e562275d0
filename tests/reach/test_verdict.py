"""What a host's result says, from what its probes found out."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from runner.models import Host, Phase, Status
from runner.reach import ReachOptions, Reason
from runner.reach.reasons import Failure
from runner.reach.target import Address, Target
from runner.reach.verdict import unreachable

THERE = Address(socket.AF_INET, ("192.0.2.1", 22))


def a_target(*, pings: int = 0, connects: int = 0, **known: Any) -> Target:
    return Target(
        Host("r1"),
        "192.0.2.1",
        22,
        addresses=(THERE,),
        pings=pings,
        connects=connects,
        **known,
    )


@pytest.mark.parametrize(
    ("method", "target", "reason", "error"),
    [
        ("icmp", a_target(pings=2, pings_prove=True), "no-reply", "no reply to ICMP echo in 2 tries of 1 s"),
        ("tcp", a_target(connects=2), "no-reply", "no reply from TCP port 22 in 2 tries of 1 s"),
        (
            "ssh",
            a_target(connects=2, pings=1, answers_echo=True),
            "filtered",
            "the host answers ICMP echo, but nothing comes from TCP port 22 in 2 tries of 1 s: filtered",
        ),
        (
            "auto",
            a_target(pings=2, connects=2, pings_prove=True),
            "no-reply",
            "no reply to ICMP echo, nor from TCP port 22, in 2 tries of 1 s each",
        ),
    ],
)
def test_silence_is_told_by_who_was_asked(method: str, target: Target, reason: str, error: str) -> None:
    result = unreachable(target, ReachOptions(method=method))
    assert (result.status, result.reason, result.error) == (Status.UNREACHABLE, reason, error)
    assert (result.address, result.port) == ("192.0.2.1", 22)


@pytest.mark.parametrize(
    ("method", "target", "told_by", "phase", "attempts"),
    [
        ("icmp", a_target(pings=2, pings_prove=True), "icmp", Phase.PING, 2),
        ("tcp", a_target(connects=2, pings=1), "tcp", Phase.CONNECT, 2),
        ("ssh", a_target(connects=2, pings=1), "ssh", Phase.CONNECT, 2),
        ("auto", a_target(pings=2, connects=2, pings_prove=True), "tcp", Phase.CONNECT, 4),
    ],
)
def test_the_probe_that_had_the_last_word_is_named(
    method: str, target: Target, told_by: str, phase: Phase, attempts: int
) -> None:
    result = unreachable(target, ReachOptions(method=method))
    assert (result.method, result.phase, result.attempts) == (told_by, phase, attempts)


def test_what_the_ssh_port_says_counts_more_than_what_ping_says() -> None:
    target = a_target(pings=2, connects=1, pings_prove=True)
    target.note(Failure(Phase.PING, Reason.PROHIBITED, "prohibited"))
    target.note(Failure(Phase.CONNECT, Reason.PORT_CLOSED, "closed"))
    assert unreachable(target, ReachOptions()).reason == "port-closed"


def test_the_first_word_counts_in_each_phase() -> None:
    target = a_target(pings=2)
    target.note(Failure(Phase.PING, Reason.NO_ROUTE, "first"))
    target.note(Failure(Phase.PING, Reason.PROHIBITED, "second"))
    assert unreachable(target, ReachOptions()).error == "first"


@pytest.mark.parametrize("reason", [Reason.LOCAL_LIMIT, Reason.NO_PERMISSION])
def test_what_is_wrong_with_this_machine_is_no_judgement_of_the_host(reason: Reason) -> None:
    target = a_target()
    target.note(Failure(Phase.CONNECT, reason, "too many open files"))
    assert unreachable(target, ReachOptions()).status is Status.ERROR
