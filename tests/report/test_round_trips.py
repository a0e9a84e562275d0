"""The line of a host that was pinged several times."""

from __future__ import annotations

from runner.models import HostResult, Status
from runner.report.round_trips import statistics
from runner.report.terminal import Style

PLAIN = Style(colour=False)


def test_answers_and_losses_are_counted() -> None:
    result = HostResult("r1", Status.OK, rtts_ms=(1.0, None, 3.0, 2.0))
    assert statistics(result, PLAIN) == "r1: ok  3/4 answered, 25% loss, rtt min/avg/max 1/2/3 ms"


def test_a_silent_host_is_shown_with_the_reason() -> None:
    result = HostResult("r1", Status.UNREACHABLE, error="no reply", rtts_ms=(None, None))
    assert statistics(result, PLAIN) == "r1: unreachable  0/2 answered, 100% loss, no reply"


def test_a_host_that_cannot_be_pinged_lost_nothing() -> None:
    result = HostResult("here", Status.OK, rtts_ms=(None, None))
    assert statistics(result, PLAIN) == "here: ok  not pinged: only a login can tell"
