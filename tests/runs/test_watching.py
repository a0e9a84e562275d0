"""The rounds of `watch`: which hosts take part, when to stop, and the exit code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner import Host, Status
from runner.connection import deadline
from runner.errors import UsageError
from runner.fanout import Control
from runner.models import CommandResult, HostResult
from runner.runs import watching
from runner.runs.questions import nobody
from runner.runs.watching import Asked, Rounds, check, in_doubt, news, planned, room
from runner.settings import Settings
from runner.text.expressions import Expression

if TYPE_CHECKING:
    from pathlib import Path

    from runner.runs import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan of `echo up` on the local hosts a and b."""
    return plan_of(tmp_path)


def plan_of(folder: Path, **given: object) -> Plan:
    (folder / "hosts").write_text("a ansible_connection=local\nb ansible_connection=local\n")
    settings = {"inventory": [str(folder / "hosts")], "executor": "serial", "ssh_config": "none", **given}
    return planned(("echo up",), Settings.resolve(settings), nobody)


def ok(host: str, output: bytes = b"up\n") -> HostResult:
    return HostResult(host, Status.OK, sent=True, commands=(CommandResult("echo up", 0, output),))


def by_host(*results: HostResult) -> dict[str, HostResult]:
    return {result.host: result for result in results}


def names(hosts: tuple[Host, ...]) -> list[str]:
    return [host.name for host in hosts]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resume": "last"}, "--resume is for runs of commands; start watch again instead"),
        ({"output_dir": "x"}, "--output-dir does not fit watch, "),
        ({"overflow": "spill"}, "--overflow spill does not fit watch: "),
    ],
)
def test_what_does_not_go_with_rounds_is_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(said)}"):
        check(Settings.resolve(given), Asked())


def test_two_ends_exclude_each_other() -> None:
    with pytest.raises(UsageError, match=r"^--until-change and --until exclude each other$"):
        check(Settings(), Asked(until_change=True, until=Expression("x", "--until")))


def test_the_plan_is_not_kept_in_the_history(plan: Plan) -> None:
    assert not plan.recorded
    assert plan.run.task == "watch"
    assert plan.run.commands == ("echo up",)
    assert names(plan.todo) == ["a", "b"]


def test_as_many_rounds_are_carried_out_as_were_asked_for(plan: Plan) -> None:
    rounds = Rounds(plan, Asked(count=2))
    found = []
    while not rounds.over:
        now = by_host(*rounds.begin(Control()))
        found.append({name: result.stdout for name, result in now.items()})
        rounds.take(now, changed=False)
    assert found == [{"a": "up\n", "b": "up\n"}] * 2


def test_without_a_count_the_rounds_do_not_end(plan: Plan) -> None:
    rounds = Rounds(plan, Asked())
    for _ in range(3):
        rounds.take(by_host(*rounds.begin(Control())), changed=True)
        assert not rounds.over


def test_a_dry_run_is_over_after_one_round(tmp_path: Path) -> None:
    rounds = Rounds(plan_of(tmp_path, dry_run=True), Asked())
    assert [result.reason for result in rounds.begin(Control())] == ["dry-run", "dry-run"]
    assert rounds.over


def test_a_round_after_an_aborted_round_is_another_run(plan: Plan) -> None:
    """Jobs of the aborted round may still be running, and must find their run stopped."""
    rounds = Rounds(plan, Asked())
    first = rounds.plan.run.id
    rounds.begin(Control()).close()
    assert rounds.plan.run.id == first
    deadline.abort(first)
    assert [result.status for result in rounds.begin(Control())] == [Status.OK, Status.OK]
    assert rounds.plan.run.id != first


def test_a_host_that_refuses_the_login_is_left_out_of_the_next_rounds(plan: Plan) -> None:
    """Many hosts lock the account after a few refused logins."""
    rounds = Rounds(plan, Asked())
    assert rounds.take(by_host(HostResult("a", Status.AUTH), ok("b")), changed=True) == ("a",)
    assert names(rounds.plan.todo) == names(rounds.plan.hosts) == ["b"]
    assert not rounds.over


def test_a_host_that_fails_for_another_reason_takes_part_again(plan: Plan) -> None:
    rounds = Rounds(plan, Asked())
    assert rounds.take(by_host(HostResult("a", Status.UNREACHABLE), ok("b")), changed=True) == ()
    assert names(rounds.plan.todo) == ["a", "b"]


def test_when_every_host_refuses_the_login_the_rounds_are_over(plan: Plan) -> None:
    rounds = Rounds(plan, Asked())
    now = by_host(HostResult("a", Status.AUTH), HostResult("b", Status.AUTH))
    assert rounds.take(now, changed=True) == ("a", "b")
    assert rounds.over


def test_until_change_stops_at_the_first_change(plan: Plan) -> None:
    rounds = Rounds(plan, Asked(until_change=True))
    now = by_host(ok("a"), HostResult("b", Status.UNREACHABLE))
    rounds.take(now, changed=False)
    assert not rounds.over
    rounds.take(now, changed=True)
    assert rounds.over
    assert rounds.exit_code(now) == 0, "the awaited change came, although a host is not ok"


def test_until_stops_when_the_output_of_every_host_matches(plan: Plan) -> None:
    rounds = Rounds(plan, Asked(until=Expression("ready$", "--until")))
    rounds.take(by_host(ok("a", b"ready\n"), ok("b", b"starting\n")), changed=True)
    assert not rounds.over
    rounds.take(by_host(ok("a", b"ready\n"), ok("b", b"ready\n")), changed=True)
    assert rounds.over


def test_until_does_not_stop_while_a_host_is_not_ok(plan: Plan) -> None:
    rounds = Rounds(plan, Asked(until=Expression("ready", "--until")))
    failed = ok("b", b"ready\n")._replace(status=Status.FAILED)
    rounds.take(by_host(ok("a", b"ready\n"), failed), changed=True)
    assert not rounds.over


@pytest.mark.parametrize(
    ("asked", "statuses", "code"),
    [
        (Asked(), (Status.OK, Status.OK), 0),
        (Asked(), (Status.OK, Status.FAILED), 2),
        (Asked(), (Status.UNREACHABLE, Status.FAILED), 6),
        (Asked(until_change=True), (Status.OK, Status.OK), 2),
        (Asked(until=Expression("x", "--until")), (Status.OK, Status.OK), 2),
        (Asked(until_change=True), (Status.OK, Status.UNREACHABLE), 4),
    ],
)
def test_the_exit_code_is_that_of_the_last_round_or_2_if_the_awaited_text_or_change_did_not_come(
    plan: Plan, asked: Asked, statuses: tuple[Status, Status], code: int
) -> None:
    rounds = Rounds(plan, asked)
    now = by_host(*(HostResult(name, status) for name, status in zip("ab", statuses, strict=True)))
    rounds.take(now, changed=False)
    assert rounds.exit_code(now) == code


def test_hosts_of_a_stopped_round_are_in_doubt_if_a_command_was_sent() -> None:
    results = [
        ok("done"),
        HostResult("running", Status.CANCELLED, sent=True),
        HostResult("waiting", Status.CANCELLED),
    ]
    assert in_doubt(results) == ["running"]


def test_a_host_that_a_stopped_round_did_not_reach_is_no_news_if_it_has_a_result() -> None:
    results = [ok("done"), HostResult("known", Status.CANCELLED), HostResult("new", Status.CANCELLED)]
    assert [result.host for result in news(results, by_host(ok("known"), ok("done")))] == ["done", "new"]


@pytest.mark.parametrize(
    ("hosts", "workers", "sockets", "kept"),
    [
        (10, 50, 1000, 10),
        (10, 4, 16, 6),  # 4 for the round, 12 for 6 kept connections and their pings
        (10, 10, 8, 0),
        (5000, 50, 100_000, 2000),
    ],
)
def test_as_many_connections_are_kept_as_open_files_allow(
    monkeypatch: pytest.MonkeyPatch, hosts: int, workers: int, sockets: int, kept: int
) -> None:
    monkeypatch.setattr(watching, "socket_allowance", lambda wanted: min(wanted, sockets))
    assert room(hosts, workers) == kept
