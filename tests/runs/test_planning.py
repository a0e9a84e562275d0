"""Planning a run: its description, its hosts, the operator's answers, and whether it is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner import Host, Status, runs
from runner.errors import UsageError
from runner.jobs import CommandJob, FunctionJob
from runner.models import HostResult, Secret
from runner.settings import Settings
from tests.history.runs import keep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.jobs import Job, Session
    from runner.runs import Plan, Request

from runner.history import History

SCRIPT = (Host("a"), Host("b"))


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts"
    path.write_text("db1\n[web]\nweb1\nweb2\n")
    return path


def settings(inventory: Path, **given: object) -> Settings:
    history = str(inventory.with_name("history.sqlite3"))
    return Settings.resolve({"inventory": [str(inventory)], "history": history, **given})


def names(hosts: Sequence[Host]) -> list[str]:
    return [host.name for host in hosts]


def test_runs_have_names_of_their_own_in_the_order_of_time() -> None:
    names = [runs.begin("run", Settings()).id for _ in range(100)]
    assert len(set(names)) == 100
    assert [name[:15] for name in names] == sorted(name[:15] for name in names)


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


@dataclass(frozen=True)
class Fitting:
    """A job that is adapted to the hosts of its run, and that has arguments."""

    hosts: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def arguments(self) -> dict[str, object]:
        return {"count": 3, "name": "x"}

    def fitted(self, names: Sequence[str]) -> Job:
        return replace(self, hosts=tuple(names))

    def __call__(self, session: Session) -> None:
        """Do nothing."""


def test_a_plan_has_the_hosts_that_the_settings_select(inventory: Path) -> None:
    job = CommandJob(("true",))
    plan = runs.plan(runs.Request("run", settings(inventory, group="web"), job))
    assert names(plan.todo) == names(plan.hosts) == ["web1", "web2"]
    assert plan.decided == ()
    assert (plan.run.task, plan.run.commands) == ("run", ("true",))
    assert (plan.run.pattern, plan.run.inventory) == ("web", (str(inventory),))
    assert plan.inventory is not None


def test_the_hosts_of_a_script_come_from_no_inventory(inventory: Path) -> None:
    plan = runs.plan(runs.Request("run", settings(inventory), CommandJob(("x",)), hosts=SCRIPT))
    assert plan.todo == SCRIPT
    assert (plan.run.pattern, plan.run.inventory, plan.inventory) == (None, (), None)


def test_the_commands_of_a_request_describe_a_job_that_has_none(inventory: Path) -> None:
    job = FunctionJob(lambda _session: None)
    plan = runs.plan(runs.Request("put", settings(inventory), job, commands=("put a b",)))
    assert plan.run.commands == ("put a b",)


def test_a_job_is_adapted_to_the_hosts_and_its_arguments_are_kept_as_text(inventory: Path) -> None:
    plan = runs.plan(runs.Request("mine", settings(inventory, group="web"), Fitting()))
    assert plan.job == Fitting(("web1", "web2"))
    assert plan.arguments == {"count": "3", "name": "x"}


def test_the_plan_holds_the_answers_of_the_operator(inventory: Path) -> None:
    asked: list[str] = []

    def ask(what: str) -> Secret:
        asked.append(what)
        return Secret(f"answer {len(asked)}")

    given = settings(inventory, ask_pass=True, ask_code=True)
    plan = runs.plan(runs.Request("run", given, CommandJob(("x",))), ask)
    assert asked == ["SSH password", "One-time code"]
    assert plan.settings.password == Secret("answer 1")
    assert plan.settings.code == Secret("answer 2")


def test_a_ping_needs_no_secret_of_a_login(inventory: Path) -> None:
    plan = runs.plan(runs.Request("ping", settings(inventory, ask_code=True)))  # asking would be an error
    assert plan.job is None
    assert not plan.settings.code


@pytest.mark.parametrize(
    ("given", "recorded", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"no_history": True}, True, False),
        ({"dry_run": True}, True, False),
    ],
)
def test_a_run_is_recorded_unless_the_request_or_a_setting_says_otherwise(
    inventory: Path, given: dict[str, object], recorded: bool, expected: bool
) -> None:
    request = runs.Request("run", settings(inventory, **given), CommandJob(("x",)), recorded=recorded)
    assert runs.plan(request).recorded is expected


def test_a_variable_of_spread_that_no_host_has_is_a_warning(
    inventory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runs.plan(runs.Request("run", settings(inventory, spread="site"), CommandJob(("x",))))
    assert [record.getMessage() for record in caplog.records] == [
        "--spread site: none of these hosts has that variable; nothing is kept apart"
    ]


def test_a_check_that_fails_ends_the_planning_before_the_operator_is_asked(inventory: Path) -> None:
    def ask(what: str) -> Secret:
        raise AssertionError(what)

    given = settings(inventory, ask_pass=True, max_spill="1G")
    with pytest.raises(UsageError, match=r"^--max-spill goes with --overflow spill$"):
        runs.plan(runs.Request("run", given, CommandJob(("x",))), ask)


def resumed(inventory: Path, *results: HostResult) -> Plan:
    """Return the plan that resumes a recorded run of `show clock`."""
    given = settings(inventory, resume="last", group="web")
    assert given.history is not None
    with History(inventory.with_name("history.sqlite3")) as history:
        keep(history, 7, results)
    return runs.plan(request_of(given))


def request_of(given: Settings) -> Request:
    return runs.Request("run", given, CommandJob(("show clock",)))


def test_a_resumed_run_keeps_its_id_and_contacts_only_the_hosts_that_it_left(inventory: Path) -> None:
    plan = resumed(inventory, HostResult("web1", Status.OK), HostResult("web2", Status.CANCELLED))
    assert plan.resumed
    assert plan.run.id == "20260102T030405-000007"
    assert names(plan.todo) == ["web2"]
    assert [(result.host, result.reason) for result in plan.decided] == [("web1", "already-done")]
    assert sorted(names(plan.hosts)) == ["web1", "web2"]
    assert plan.ended == (Status.OK,)
    assert plan.recorded
    assert not plan.nothing_missing


def test_to_resume_a_complete_run_leaves_the_history_alone(inventory: Path) -> None:
    plan = resumed(inventory, HostResult("web1", Status.OK), HostResult("web2", Status.FAILED))
    assert plan.nothing_missing
    assert plan.ended == (Status.OK, Status.FAILED)
    assert not plan.recorded


def test_a_script_neither_asks_nor_resumes(inventory: Path) -> None:
    given = settings(inventory, ask_pass=True, resume="last")
    plan = runs.plan(runs.Request("run", given, CommandJob(("x",)), hosts=SCRIPT))
    assert plan.todo == SCRIPT
    assert not plan.resumed
