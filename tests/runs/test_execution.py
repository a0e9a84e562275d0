"""Carrying out a plan: results, their record in the history, dry runs, pings and interrupts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner import Host, Status, runs
from runner.errors import UsageError
from runner.history import History, Query
from runner.jobs import CommandJob
from runner.models import HostResult
from runner.runs.execution import fresh, ping_rounds, stopped
from runner.runs.resume import KEPT
from runner.settings import Settings
from tests.reach.servers import greets, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from runner.jobs import Job

LOCAL = tuple(Host(name, {"ansible_connection": "local"}) for name in ("l1", "l2"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(history=str(tmp_path / "history.sqlite3"), executor="serial")


@pytest.fixture
def server() -> Iterator[Host]:
    """A host on which an SSH server listens."""
    with listening(greets) as port:
        yield Host("up", {"ansible_host": "127.0.0.1", "ansible_port": port})


def carried_out(hosts: Sequence[Host], settings: Settings, job: Job | None) -> list[HostResult]:
    return list(runs.carry_out(runs.plan(runs.Request("run", settings, job, hosts=tuple(hosts)))))


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


def test_each_result_is_in_the_history_when_it_is_yielded(settings: Settings, tmp_path: Path) -> None:
    plan = runs.plan(runs.Request("run", settings, CommandJob(("echo $((40 + 2))",)), LOCAL))
    seen = []
    for result in runs.carry_out(plan):
        with History(tmp_path / "history.sqlite3") as history:
            record = history.find(plan.run.id)
        seen.append(result.host)
        assert result.stdout == record.results[result.host].stdout == "42\n"
        assert result.host in record.started
        assert record.run.finished is None
    assert seen == ["l1", "l2"]
    with History(tmp_path / "history.sqlite3") as history:
        assert history.find(plan.run.id).run.finished is not None


def test_a_run_that_is_not_recorded_creates_no_history(settings: Settings, tmp_path: Path) -> None:
    plan = runs.plan(runs.Request("run", settings, CommandJob(("true",)), LOCAL, recorded=False))
    assert [result.ok for result in runs.carry_out(plan)] == [True, True]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_executor_is_an_error_and_no_run(settings: Settings, tmp_path: Path) -> None:
    plan = runs.plan(runs.Request("run", replace(settings, executor="none"), CommandJob(("true",)), LOCAL))
    with pytest.raises(UsageError, match="executor"):
        list(runs.carry_out(plan))
    with History(tmp_path / "history.sqlite3") as history:
        assert history.runs(Query()) == []


def test_decided_results_come_first_and_their_hosts_are_not_contacted(
    settings: Settings, tmp_path: Path
) -> None:
    """The resumed run already has the result of `kept`: the history must not replace it."""
    decided = (HostResult("lost", Status.LOST), HostResult("kept", Status.SKIPPED, reason=KEPT))
    plan = runs.plan(runs.Request("run", settings, CommandJob(("true",)), LOCAL))
    plan = replace(plan, decided=decided, hosts=(*LOCAL, Host("lost"), Host("kept")))
    found = [(result.host, result.status) for result in runs.carry_out(plan)]
    assert found[:2] == [("lost", Status.LOST), ("kept", Status.SKIPPED)]
    assert sorted(found[2:]) == [("l1", Status.OK), ("l2", Status.OK)]
    with History(tmp_path / "history.sqlite3") as history:
        assert sorted(history.find(plan.run.id).results) == ["l1", "l2", "lost"]


def test_fresh_results_are_not_recorded_and_hosts_are_announced_before(
    settings: Settings, tmp_path: Path
) -> None:
    plan = runs.plan(runs.Request("run", settings, CommandJob(("true",)), LOCAL))
    started: list[str] = []
    for batch in fresh(plan, None, started.extend):
        assert {result.host for result in batch} <= set(started)
    assert started == ["l1", "l2"]
    assert list(tmp_path.iterdir()) == []


def test_without_an_interrupt_every_result_is_shown(settings: Settings) -> None:
    plan = runs.plan(runs.Request("run", settings, CommandJob(("true",)), LOCAL))
    shown: list[HostResult] = []
    assert not runs.follow(runs.carry_out(plan), shown.append)
    assert [result.host for result in shown] == ["l1", "l2"]


def test_a_stopped_host_says_whether_its_outcome_is_unknown() -> None:
    assert stopped("a", sent=False) == HostResult(
        "a", Status.CANCELLED, reason="stopped", error="the run was stopped"
    )
    sent = stopped("a", sent=True)
    assert sent.sent
    assert sent.error == "the run was stopped; the outcome is unknown, and the job may still run"


def test_a_dry_run_shows_the_address_and_the_errors_of_a_run(settings: Settings) -> None:
    hosts = (
        Host("named", {"ansible_host": "192.0.2.1", "ansible_port": 2222}),
        Host("bad", {"ansible_port": "many"}),
    )
    named, bad = carried_out(hosts, replace(settings, dry_run=True), CommandJob(("x",)))
    assert (named.status, named.address, named.port) == (Status.SKIPPED, "192.0.2.1", 2222)
    assert bad.status is Status.ERROR
    assert "ansible_port" in (bad.error or "")


def test_a_plan_without_a_job_pings_its_hosts(settings: Settings, server: Host) -> None:
    down = Host("down", {"ansible_host": "127.0.0.1", "ansible_port": 1})
    found = {result.host: result for result in carried_out([server, down], by_tcp(settings), None)}
    assert found["up"].ok
    assert (found["down"].status, found["down"].reason) == (Status.UNREACHABLE, "port-closed")


def by_tcp(settings: Settings) -> Settings:
    return replace(settings, method="tcp", no_history=True)


def test_several_pings_of_a_host_become_one_result(settings: Settings, server: Host) -> None:
    pings = runs.Pings(count=3, interval_s=0.0)
    plan = runs.plan(runs.Request("ping", by_tcp(settings), hosts=(server,), pings=pings))
    (result,) = runs.carry_out(plan)
    assert len(result.rtts_ms) == 3
    assert all(rtt is not None for rtt in result.rtts_ms)


def test_each_round_of_pings_has_a_result_of_every_host(settings: Settings, server: Host) -> None:
    down = Host("down", {"ansible_host": "127.0.0.1", "ansible_port": 1})
    pings = runs.Pings(count=2, interval_s=0.0)
    plan = runs.plan(runs.Request("ping", by_tcp(settings), hosts=(server, down), pings=pings))
    found = list(ping_rounds(plan, tries=1))
    assert [sorted(each) for each in found] == [["down", "up"]] * 2
    for each in found:
        assert (each["up"].status, each["down"].status) == (Status.OK, Status.UNREACHABLE)
