"""Rounds of probes: loss and times over several tries, and who changed from one to the next."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from runner.models import Host, HostResult, Status
from runner.reach.options import ReachOptions
from runner.reach.rounds import Changes, rounds, summed

TCP = ReachOptions(method="tcp", tries=1, timeout_s=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def listener() -> tuple[socket.socket, Host]:
    server = socket.create_server(("127.0.0.1", 0))
    host = Host("h", {"ansible_host": "127.0.0.1", "ansible_port": server.getsockname()[1]})
    return server, host


def test_there_are_as_many_rounds_as_were_asked_for_and_a_wait_between_them() -> None:
    server, host = listener()
    waits: list[float] = []
    with closing(server):
        found = list(rounds([host], TCP, 5.0, 3, sleep=waits.append))
    assert [[result.status for result in results.values()] for results in found] == [[Status.OK]] * 3
    assert len(waits) == 2
    # Nothing was really waited for, so that the second round's begin is still nearly ten seconds away.
    assert 4 < waits[0] <= 5
    assert 9 < waits[1] <= 10


def test_a_host_that_goes_away_between_rounds_is_seen_to() -> None:
    server, host = listener()
    results = rounds([host], TCP, 0.01, 2)
    assert next(results)["h"].ok
    server.close()
    assert next(results)["h"].reason == "port-closed"


def test_several_rounds_sum_up_to_one_result_with_every_time() -> None:
    answers = [
        HostResult("h", Status.OK, rtt_ms=2.0, attempts=1),
        HostResult("h", Status.UNREACHABLE, reason="no-reply", attempts=1),
        HostResult("h", Status.OK, rtt_ms=4.0, attempts=1),
    ]
    result = summed(answers)
    assert result.status is Status.OK
    assert result.rtts_ms == (2.0, None, 4.0)
    assert result.rtt_ms == 3.0
    assert result.attempts == 3


def test_a_host_that_never_answered_keeps_its_reason() -> None:
    result = summed([HostResult("h", Status.UNREACHABLE, reason="no-reply")] * 2)
    assert (result.status, result.reason, result.rtt_ms, result.rtts_ms) == (
        Status.UNREACHABLE,
        "no-reply",
        None,
        (None, None),
    )


def test_of_the_first_round_those_that_do_not_answer_are_told() -> None:
    changes = Changes().take(
        {"a": HostResult("a", Status.OK), "b": HostResult("b", Status.UNREACHABLE)}, NOON, 0.0
    )
    assert [(change.host, change.before) for change in changes] == [("b", None)]


def test_changes_know_what_was_before_and_for_how_long() -> None:
    state = Changes()
    up, down = HostResult("a", Status.OK), HostResult("a", Status.UNREACHABLE)
    state.take({"a": up}, NOON, 100.0)
    assert state.take({"a": up}, NOON + timedelta(seconds=1), 101.0) == []
    (went,) = state.take({"a": down}, NOON + timedelta(seconds=2), 102.0)
    assert (went.before, went.after, went.lasted_s) == (Status.OK, down, 2.0)
    assert state.since["a"] == NOON + timedelta(seconds=2)
    (came,) = state.take({"a": up}, NOON + timedelta(seconds=12), 112.0)
    assert (came.before, came.lasted_s) == (Status.UNREACHABLE, 10.0)


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=900)])
def test_a_state_lasts_as_long_as_it_does_though_the_clock_jumps(jump: timedelta) -> None:
    state = Changes()
    state.take({"a": HostResult("a", Status.OK)}, NOON, 5.0)
    (went,) = state.take({"a": HostResult("a", Status.UNREACHABLE)}, NOON + jump, 8.0)
    assert (went.lasted_s, went.when) == (3.0, NOON + jump)
