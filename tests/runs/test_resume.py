"""`--failed` and `--resume`: the hosts that an earlier run left undone, as its record in the history says."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runner import Host
from runner.errors import UsageError
from runner.history import History, Limits, owner
from runner.history.mark import remove_mark
from runner.models import HostResult, Status
from runner.runs.resume import (
    KEPT,
    Intended,
    Left,
    commands_to_resume,
    find,
    history_path,
    left_of,
    limits,
    noted,
    of_hosts,
    pair,
    pruned,
    reading,
)
from runner.settings import Settings
from tests.history.runs import add, keep, make_run, said, start

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.models import Run

HOSTS = tuple(Host(name) for name in ("done", "failed", "running", "waiting"))
SAME = Intended("run", ("show clock",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture
def killed(path: Path) -> Run:
    """A run that was killed: of its hosts, one was still running, and one had not been started."""
    return kill(path)


def kill(path: Path, **other: object) -> Run:
    run = make_run(**other)
    with History(path) as history:
        history.begin(run, [host.name for host in HOSTS], {"count": "3"} if other else None)
        start(history, run, "done", "failed", "running")
        add(history, run, said("done", b"12:00\n"), said("failed", b"", Status.FAILED))
    return run


def settings(path: Path, **given: object) -> Settings:
    return Settings.resolve({"history": str(path), **given})


def names(hosts: Iterable[Host]) -> list[str]:
    return [host.name for host in hosts]


def decided(left: Left) -> dict[str, tuple[Status, str | None]]:
    return {result.host: (result.status, result.reason) for result in left.decided}


def is_reopened(path: Path, run: Run) -> bool:
    """Return whether this process has taken over the run."""
    with closing(sqlite3.connect(path)) as database:
        ((process,),) = database.execute("SELECT process FROM runs WHERE id = ?", (run.id,))
    return bool(process == owner.this_process())


def give_away(path: Path, process: int) -> None:
    """Record another process as the one that works on every run."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE runs SET process = ?", (owner._described(process),))


def test_without_the_flags_every_selected_host_is_contacted(path: Path) -> None:
    assert left_of(settings(path), HOSTS, SAME) == Left(HOSTS)
    assert not path.exists()


def test_a_resumed_run_contacts_the_hosts_that_it_had_not_started(path: Path, killed: Run) -> None:
    left = left_of(settings(path, resume="last"), HOSTS, SAME)
    assert names(left.hosts) == ["waiting"]
    assert decided(left) == {
        "done": (Status.SKIPPED, KEPT),
        "failed": (Status.SKIPPED, KEPT),
        "running": (Status.LOST, "in-doubt"),
    }
    assert left.resumed == killed.id
    assert left.ended == (Status.OK, Status.FAILED)


def test_a_host_whose_outcome_is_unknown_is_contacted_again_with_rerun_lost(path: Path, killed: Run) -> None:
    left = left_of(settings(path, resume=killed.id, rerun_lost=True), HOSTS, SAME)
    assert names(left.hosts) == ["running", "waiting"]


def test_a_recorded_result_with_an_unknown_outcome_is_repeated_as_recorded(path: Path) -> None:
    lost = said("a", b"half", Status.LOST)._replace(reason="reset", error="the connection was reset")
    with History(path) as history:
        keep(history, 1, [lost])
    (found,) = left_of(settings(path, resume="last"), (Host("a"),), SAME).decided
    assert (found.status, found.reason, found.error) == (Status.LOST, "reset", "the connection was reset")
    assert found.sent


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SKIPPED])
def test_a_host_to_which_nothing_was_sent_is_contacted_again(path: Path, status: Status) -> None:
    with History(path) as history:
        keep(history, 1, [HostResult("a", status)])
    assert names(left_of(settings(path, resume="last"), (Host("a"),), SAME).hosts) == ["a"]


def test_if_the_record_is_incomplete_hosts_without_a_result_count_as_lost(
    path: Path, killed: Run, caplog: pytest.LogCaptureFixture
) -> None:
    remove_mark(path, killed.id)
    left = left_of(settings(path, resume="last"), HOSTS, SAME)
    assert left.hosts == ()
    assert decided(left)["waiting"] == (Status.LOST, "in-doubt")
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"run {killed.id}: the history could not be written up to its end: hosts without a result are counted"
    )


def test_a_complete_record_needs_no_warning(
    path: Path, killed: Run, caplog: pytest.LogCaptureFixture
) -> None:
    assert noted(find(settings(path), killed.id)).complete
    assert caplog.records == []


def test_a_resumed_run_is_taken_over_by_this_process(path: Path, killed: Run) -> None:
    give_away(path, 0)
    left_of(settings(path, resume="last"), HOSTS, SAME)
    assert is_reopened(path, killed)


def test_a_dry_run_does_not_take_over_the_run(path: Path, killed: Run) -> None:
    give_away(path, 0)
    left = left_of(settings(path, resume="last", dry_run=True), HOSTS, SAME)
    assert names(left.hosts) == ["waiting"]
    assert not is_reopened(path, killed)


def test_a_run_on_which_another_process_is_working_is_not_resumed(path: Path, killed: Run) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:  # ends when this context closes its input
        give_away(path, other.pid)
        with pytest.raises(UsageError, match=f"^run {killed.id} is still going on "):
            left_of(settings(path, resume="last"), HOSTS, SAME)


def test_a_resumed_run_must_be_recorded(path: Path, killed: Run) -> None:
    with pytest.raises(UsageError, match=r"^--resume and --no-history exclude each other"):
        left_of(settings(path, resume=killed.id, no_history=True), HOSTS, SAME)


@pytest.mark.parametrize(
    ("intended", "text"),
    [
        (Intended("greet", ("show clock",)), "was of the task 'run', not 'greet'; resume it with that task"),
        (Intended("run", ("reload",)), "ran 'show clock', not 'reload'; leave --cmd out to resume it"),
    ],
)
def test_a_run_with_another_task_or_command_is_not_resumed(
    path: Path, killed: Run, intended: Intended, text: str
) -> None:
    with pytest.raises(UsageError, match=f"^--resume: run {killed.id} {re.escape(text)}"):
        left_of(settings(path, resume=killed.id, dry_run=True), HOSTS, intended)


def test_a_run_with_other_arguments_is_not_resumed(path: Path) -> None:
    kill(path, task="greet")
    other = Intended("greet", ("show clock",), {"count": "4"})
    with pytest.raises(UsageError, match=r"other arguments: count was '3' and is now '4'; give the same"):
        left_of(settings(path, resume="last"), HOSTS, other)
    same = Intended("greet", ("show clock",), {"count": "3"})
    assert names(left_of(settings(path, resume="last"), HOSTS, same).hosts) == ["waiting"]


@pytest.mark.usefixtures("killed")
def test_if_hosts_are_selected_again_they_must_be_the_same(path: Path) -> None:
    other = (*HOSTS[1:], Host("new"))
    with pytest.raises(UsageError, match=r"\(no longer there: done; new: new\); without -g and -l, its own"):
        left_of(settings(path, resume="last", group="all"), other, SAME)


@pytest.mark.usefixtures("killed")
def test_if_no_hosts_are_selected_the_run_uses_its_own(path: Path) -> None:
    left = left_of(settings(path, resume="last"), (Host("new"), *reversed(HOSTS)), SAME)
    assert names(left.hosts) == ["waiting"]
    with pytest.raises(UsageError, match=r"\(no longer there: done\)"):
        left_of(settings(path, resume="last"), HOSTS[1:], SAME)


@pytest.mark.usefixtures("killed")
def test_failed_selects_the_hosts_that_did_not_end_ok(path: Path) -> None:
    """The host that was running is left out: its job may have been done already."""
    left = left_of(settings(path, failed="last"), (*HOSTS, Host("new")), Intended("run", ("other",)))
    assert names(left.hosts) == ["failed", "waiting"]
    assert decided(left) == {"running": (Status.LOST, "in-doubt")}
    assert left.resumed is None


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize(
    ("given", "intended"), [({"rerun_lost": True}, SAME), ({}, Intended("ping", harmless=True))]
)
def test_failed_selects_hosts_in_doubt_too_if_it_is_asked_for_or_harmless(
    path: Path, given: dict[str, object], intended: Intended
) -> None:
    left = left_of(settings(path, failed="last", **given), HOSTS, intended)
    assert names(left.hosts) == ["failed", "running", "waiting"]
    assert left.decided == ()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"failed": "last", "resume": "last"}, "--failed and --resume exclude each other"),
        ({"rerun_lost": True}, "--rerun-lost goes with --resume or --failed, which name the run"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(path: Path, given: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(text)}$"):
        left_of(settings(path, **given), HOSTS, SAME)


def test_without_commands_those_of_the_resumed_run_are_used(path: Path, killed: Run) -> None:
    given = settings(path, resume=killed.id)
    assert commands_to_resume(given, "run", ()) == ("show clock",)
    assert commands_to_resume(given, "run", ("show clock",)) == ("show clock",)
    with pytest.raises(UsageError, match="ran 'show clock', not 'reload'"):
        commands_to_resume(given, "run", ("reload",))


def test_a_run_is_found_by_its_id_or_as_the_last_of_a_task(path: Path) -> None:
    with History(path) as history:
        first = keep(history, 1, [said("a", b"1")])
        second = keep(history, 2, task="greet")
    assert find(settings(path), first.id).results["a"].stdout == "1"
    assert find(settings(path), first.id, outputs=False).results["a"].commands == ()
    assert find(settings(path), "last").run.id == second.id
    assert find(settings(path), "last", task="run").run.id == first.id
    with pytest.raises(UsageError, match="holds no run of 'put' yet"):
        find(settings(path), "last", task="put")


def test_a_file_that_is_no_history_is_an_error(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to have a header" * 10)
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}: the history cannot be read: "):
        find(settings(path), "last")


def test_two_runs_are_compared_in_the_order_of_their_starts(path: Path) -> None:
    with History(path) as history:
        first, other, second = keep(history, 1), keep(history, 2, task="greet"), keep(history, 3)
    with reading(settings(path)) as history:
        for name, with_name in ((second.id, first.id), (first.id, second.id), (second.id, None)):
            assert [record.run.id for record in pair(history, name, with_name)] == [first.id, second.id]
        with pytest.raises(UsageError, match=f"^no run before {other.id} has the same task and commands"):
            pair(history, other.id, None)
        with pytest.raises(UsageError, match=f"^run {first.id} cannot be compared with itself$"):
            pair(history, first.id, first.id)


def test_a_part_of_a_run_has_the_matching_hosts(path: Path, killed: Run) -> None:
    record = find(settings(path), killed.id)
    part = of_hosts(record, "*ing")
    assert part.hosts == ("running", "waiting")
    assert part.results == {}
    assert list(of_hosts(record, "don?").results) == ["done"]
    with pytest.raises(UsageError, match=f"^--host: no host of run {killed.id} is called 'x'$"):
        of_hosts(record, "x")


def test_the_history_is_where_the_settings_say_or_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert history_path(Settings(history="~/h.sqlite3")) == tmp_path / "h.sqlite3"
    assert history_path(Settings()) == tmp_path / "state" / "invoke-runner" / "history.sqlite3"


def test_the_limits_are_those_of_the_settings() -> None:
    given = Settings(history_runs=5, history_days=2, history_size=1000)
    assert limits(given) == Limits(runs=5, age_s=2 * 24 * 3600, size=1000)


def test_without_a_history_nothing_is_pruned(path: Path) -> None:
    assert pruned(settings(path), Limits(runs=1)) == (path, None)
    assert not path.exists()


@pytest.mark.parametrize(("asked", "kept"), [(Limits(runs=1), 1), (Limits(), 2)])
def test_the_oldest_runs_are_deleted_by_the_given_limits_or_those_of_the_settings(
    path: Path, asked: Limits, kept: int
) -> None:
    with History(path) as history:
        for number in range(3):
            keep(history, number)
    given = Settings(history=str(path), history_runs=2)
    place, found = pruned(given, asked)
    assert place == path
    assert found is not None
    assert (found.runs, found.kept) == (3 - kept, kept)
    assert find(given, "last").run.id == make_run(2).id


def test_a_history_that_cannot_be_pruned_is_an_error(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to have a header" * 10)
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))}: the history cannot be pruned: "):
        pruned(settings(path), Limits(runs=1))
