"""What a run is called, and what its dry run is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner import Host, Status, runs
from runner.jobs import CommandJob
from runner.settings import Settings

if TYPE_CHECKING:
    import pytest


def test_runs_have_names_of_their_own_in_the_order_of_time() -> None:
    names = [runs.begin("run", Settings()).id for _ in range(100)]
    assert len(set(names)) == 100
    assert [name[:15] for name in names] == sorted(name[:15] for name in names)


def test_a_dry_run_names_every_host_and_touches_none() -> None:
    settings = Settings(dry_run=True, executor="nonsense")
    hosts = [Host("a"), Host("b")]
    run = runs.begin("run", settings)
    for results in (runs.ping(hosts, settings), runs.carry_out(run, hosts, CommandJob(("x",)), settings)):
        assert [(r.host, r.status, r.reason) for r in results] == [
            ("a", Status.SKIPPED, "dry-run"),
            ("b", Status.SKIPPED, "dry-run"),
        ]


def test_a_dry_run_tells_batches_in_the_order_in_which_they_would_be_done() -> None:
    settings = Settings.resolve({"dry_run": True, "serial": "1,50%", "order": "reverse_sorted"})
    hosts = [Host(name) for name in "abcd"]
    found = list(runs.carry_out(runs.begin("run", settings), hosts, CommandJob(("x", "y")), settings))
    assert [(result.host, result.error) for result in found] == [
        ("d", "batch 1 of 3; would be sent: x ; y"),
        ("c", "batch 2 of 3; would be sent: x ; y"),
        ("b", "batch 2 of 3; would be sent: x ; y"),
        ("a", "batch 3 of 3; would be sent: x ; y"),
    ]


def test_a_run_has_an_end() -> None:
    begun = runs.begin("run", Settings(), commands=("x",), pattern="all", inventory=("i",))
    ended = begun.ended()
    assert begun.finished is None
    assert ended.finished is not None
    assert ended.finished >= begun.started


def test_a_clock_that_is_set_back_makes_no_run_last_less_than_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = runs.begin("run", Settings())

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return begun.started - timedelta(hours=1)

    monkeypatch.setattr("runner.runs.datetime", SetBack)
    monkeypatch.setattr("runner.models.datetime", SetBack)
    took = begun.ended().duration_s
    assert took is not None
    assert 0 <= took < 60
