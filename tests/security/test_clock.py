"""A clock that jumps while something goes on ends nothing, and makes no time that is told a lie."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner.executors import dask
from runner.models import Host, HostResult, Run, Status
from runner.reach import ReachOptions, icmp_permitted, probe
from runner.reach.icmp import echo
from runner.reach.rounds import Changes
from runner.report.command_watch import Seen
from tests.executors.jobs import where

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
JUMPS = [timedelta(hours=-1), timedelta(hours=1), timedelta(days=20_000)]
UP, DOWN = HostResult("r1", Status.OK), HostResult("r1", Status.UNREACHABLE)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_the_time_of_an_echo(jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel tells by the clock on the wall when a reply arrived."""
    if why := icmp_permitted():
        pytest.skip(why)
    jump_ns = int(jump.total_seconds()) * 10**9
    monkeypatch.setattr(echo, "time_ns", lambda: time.time_ns() - jump_ns)  # it jumps when the echo is sent
    began = time.monotonic()
    (found,) = probe([Host("127.0.0.1")], ReachOptions(method="icmp"))
    assert found.ok
    assert found.rtt_ms is not None
    assert 0 < found.rtt_ms <= 1000 * (time.monotonic() - began)


@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("rounds", [Changes, lambda: Seen(Run("x", "watch", NOON))], ids=["ping", "watch"])
def test_how_long_a_host_was_up(jump: timedelta, rounds: Callable[[], Any]) -> None:
    state = rounds()
    results: Any = {"r1": UP} if isinstance(state, Changes) else [UP]
    state.take(results, NOON, 100.0)
    results = {"r1": DOWN} if isinstance(state, Changes) else [DOWN]
    found = state.take(results, NOON + jump, 103.0)
    lasted = found[0].lasted_s if isinstance(found, list) else found.lasted_s["r1"]
    assert lasted == 3.0


def test_the_workers_of_a_local_cluster() -> None:
    """Dask ends those of which it has not heard for five minutes, by the clock on the wall."""
    executor: Any = dask(2)
    try:
        before = executor.submit(where).result(60)[0]
        scheduler = executor._cluster._owned.scheduler
        for worker in scheduler.workers.values():
            worker.last_seen -= 3600
        assert "worker-ttl" not in scheduler.periodic_callbacks
        assert before in {executor.submit(where).result(60)[0] for _ in range(8)}
    finally:
        executor.terminate_workers()
        executor.shutdown()


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_a_run_and_its_hosts(jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    began = time.monotonic()

    def jumped() -> float:
        return real() + (jump.total_seconds() if time.monotonic() > began + 0.2 else 0)

    monkeypatch.setattr(time, "time", jumped)
    host = Host("here", {"ansible_connection": "local"})
    result = runner.run([host], "sleep 0.5", no_ping=True)["here"]
    assert result.ok
    assert 0.4 < result.duration_s < 30
    assert 0.4 < result.commands[0].duration_s < 30
