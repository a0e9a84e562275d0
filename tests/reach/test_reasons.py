"""What refusals say about a host."""

from __future__ import annotations

import errno
import socket

import pytest

from runner.models import Phase
from runner.reach import Reason
from runner.reach.reasons import from_errno, from_icmp, refusal


@pytest.mark.parametrize(
    ("family", "icmp_type", "code", "reason"),
    [
        (socket.AF_INET, 3, 0, Reason.NO_ROUTE),
        (socket.AF_INET, 3, 1, Reason.NO_ROUTE),
        (socket.AF_INET, 3, 3, Reason.PROHIBITED),
        (socket.AF_INET, 3, 13, Reason.PROHIBITED),
        (socket.AF_INET, 11, 0, Reason.TTL_EXCEEDED),
        (socket.AF_INET6, 1, 0, Reason.NO_ROUTE),
        (socket.AF_INET6, 1, 3, Reason.NO_ROUTE),
        (socket.AF_INET6, 1, 1, Reason.PROHIBITED),
        (socket.AF_INET6, 3, 0, Reason.TTL_EXCEEDED),
    ],
)
def test_an_icmp_error_has_its_reason(family: int, icmp_type: int, code: int, reason: Reason) -> None:
    assert from_icmp(family, icmp_type, code) is reason


@pytest.mark.parametrize(
    ("family", "icmp_type", "code"),
    [
        (socket.AF_INET, 3, 4),  # too big: the path is there
        (socket.AF_INET, 4, 0),  # source quench
        (socket.AF_INET, 5, 1),  # redirect: there is a better way, so there is one
        (socket.AF_INET6, 2, 0),  # too big
    ],
)
def test_other_icmp_messages_say_nothing_against_a_host(family: int, icmp_type: int, code: int) -> None:
    assert from_icmp(family, icmp_type, code) is None


def test_a_shortage_of_this_machine_says_nothing_about_a_host() -> None:
    assert from_errno(errno.EMFILE) is None
    assert from_errno(errno.ENOBUFS) is None


def test_a_refusal_names_its_meaning_and_who_said_it() -> None:
    failure = refusal(Phase.PING, Reason.NO_ROUTE, offender="10.0.0.1")
    assert failure.error == "no route to host, says 10.0.0.1"
