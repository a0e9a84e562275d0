"""The engine: names of runs, dry runs, and the results after an interrupt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner import Host, Status, runs
from runner.history import History
from runner.jobs import CommandJob
from runner.models import HostResult
from runner.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from runner.jobs import Job


def carried_out(hosts: Sequence[Host], settings: Settings, job: Job | None) -> list[HostResult]:
    return list(runs.carry_out(runs.plan(runs.Request("run", settings, job, hosts=tuple(hosts)))))


def test_runs_have_names_of_their_own_in_the_order_of_time() -> None:
    names = [runs.begin("run", Settings()).id for _ in range(100)]
    assert len(set(names)) == 100
    assert [name[:15] for name in names] == sorted(name[:15] for name in names)


def test_a_dry_run_names_every_host_and_touches_none() -> None:
    settings = Settings(dry_run=True, executor="nonsense")
    hosts = [Host("a"), Host("b")]
    for job in (None, CommandJob(("x",))):
        assert [(r.host, r.status, r.reason) for r in carried_out(hosts, settings, job)] == [
            ("a", Status.SKIPPED, "dry-run"),
            ("b", Status.SKIPPED, "dry-run"),
        ]


def test_a_dry_run_tells_batches_in_the_order_in_which_they_would_be_done() -> None:
    settings = Settings.resolve({"dry_run": True, "serial": "1,50%", "order": "reverse_sorted"})
    hosts = [Host(name) for name in "abcd"]
    found = carried_out(hosts, settings, CommandJob(("x", "y")))
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

    monkeypatch.setattr("runner.runs.planning.datetime", SetBack)
    monkeypatch.setattr("runner.models.datetime", SetBack)
    took = begun.ended().duration_s
    assert took is not None
    assert 0 <= took < 60


def slowly(names: Sequence[str], interrupt_at: str) -> Generator[list[HostResult], None, None]:
    for name in names:
        if name == interrupt_at:
            raise KeyboardInterrupt
        yield [HostResult(name, Status.OK, sent=True)]


@pytest.mark.parametrize("recorded", [False, True])
def test_an_interrupt_leaves_every_host_with_one_result(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recorded: bool
) -> None:
    """The interrupt arrives once while a result is awaited, and once while one is shown."""
    hosts = tuple(Host(name) for name in "abcd")
    settings = Settings(history=str(tmp_path / "history.sqlite3"), executor="thread")
    for interrupt_at, shown_before in (("c", None), ("-", "b")):
        plan = runs.plan(runs.Request("run", settings, CommandJob(("x",)), hosts, recorded=recorded))

        def touched(
            _plan: object,
            _control: object,
            starting: Callable[[Sequence[str]], None],
            at: str = interrupt_at,
        ) -> Generator[list[HostResult], None, None]:
            starting(["a", "b", "c"])
            return slowly("abcd", at)

        monkeypatch.setattr("runner.runs.execution.fresh", touched)
        shown: list[HostResult] = []

        def show(
            result: HostResult, name: str | None = shown_before, shown: list[HostResult] = shown
        ) -> None:
            shown.append(result)
            if result.host == name and result.ok:
                raise KeyboardInterrupt

        assert runs.follow(runs.carry_out(plan), show)
        assert [(result.host, str(result.status), result.sent) for result in shown] == [
            ("a", "ok", True),
            ("b", "ok", True),
            ("c", "cancelled", True),
            ("d", "cancelled", False),
        ]
        if recorded:
            with History(tmp_path / "history.sqlite3") as history:
                found = history.find(plan.run.id)
            assert [*found.results.values()] == [result._replace(duration_s=0.0) for result in shown]
            assert found.in_doubt == ("c",)
