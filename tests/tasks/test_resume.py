"""`--resume` and `--failed`: what an earlier run leaves to be done, and nothing that may have been done."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runner.history import History, Query
from tests.history.runs import until
from tests.liveness import comes_true

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection
    from pathlib import Path

    from tests.projects import Project


def statuses(project: Project, *words: str) -> dict[str, str]:
    done = project.type("run", "--format", "json", *words)
    return {name: host["status"] for name, host in json.loads(done.stdout)["hosts"].items()}


def history(project: Project) -> Path:
    return project.folder / "home" / "invoke-runner" / "history.sqlite3"


def started(project: Project) -> Collection[str]:
    """Return the hosts that the last run has started, also while it goes on."""
    with History(history(project)) as opened:
        return opened.find("last").started


@pytest.fixture
def killed(demo: Project) -> Project:
    """A run of which r1 is done, r-slow at work, and r2 and r3 are still to come."""
    words = ("run", "show clock", "-g", "r1:r-slow:r2:r3", "--serial", "1", "--format", "jsonl", "--no-ping")
    with demo.start(*words) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["host"] == "r1"
        assert comes_true(lambda: "r-slow" in started(demo))  # it answers two seconds later
        process.send_signal(signal.SIGKILL)
    return demo


def test_a_killed_run_goes_on_with_what_it_had_not_come_to(killed: Project) -> None:
    found = statuses(killed, "--resume", "last")
    assert found == {"r1": "skipped", "r-slow": "lost", "r2": "ok", "r3": "ok"}


def test_going_on_once_more_touches_nobody(killed: Project) -> None:
    statuses(killed, "--resume", "last")
    for _ in range(2):
        found = statuses(killed, "--resume", "last")
        assert found == {"r1": "skipped", "r-slow": "lost", "r2": "skipped", "r3": "skipped"}


def test_a_resumed_run_stays_one_run_of_the_history(killed: Project) -> None:
    statuses(killed, "--resume", "last")
    assert len(killed.type("history").stdout.splitlines()) == 1


def test_a_run_that_has_come_to_its_end_leaves_nothing(demo: Project) -> None:
    assert statuses(demo, "--cmd", "show clock", "-g", "good") == dict.fromkeys(("r1", "r2", "r3"), "ok")
    assert statuses(demo, "--resume", "last") == dict.fromkeys(("r1", "r2", "r3"), "skipped")


def test_the_exit_code_of_a_run_that_was_gone_on_with_is_that_of_all_its_hosts(demo: Project) -> None:
    words = ("run", "show clock", "-g", "r1:r-down:r-denied", "--serial", "3")
    assert demo.type(*words).code == 6
    for _ in range(2):
        done = demo.type("run", "--resume", "last")
        run = demo.type("history").stdout.split()[0]
        assert done.code == 6
        assert f"run {run} is already complete; see: runner history.show {run}\n" in done.stderr


def test_going_on_with_a_run_that_lacks_nothing_leaves_it_as_it_was(demo: Project) -> None:
    demo.type("run", "show clock", "-g", "good")
    before = demo.type("history.show", "last", "--format", "json").document
    time.sleep(0.1)
    assert demo.type("run", "--resume", "last").code == 0
    assert demo.type("history.show", "last", "--format", "json").document == before


def test_what_failed_before_counts_beside_what_went_well_now(demo: Project) -> None:
    words = ("run", "show clock", "-g", "r-denied:r-slow:r1", "--serial", "1", "--max-fail", "0", "--no-ping")
    assert demo.type(*words).code == 2
    found = demo.type("run", "--resume", "last", "--format", "json")
    assert {name: host["status"] for name, host in found.document["hosts"].items()} == {
        "r-denied": "skipped",
        "r-slow": "ok",
        "r1": "ok",
    }
    assert found.code == 2


def test_another_command_is_refused_with_the_difference(killed: Project) -> None:
    done = killed.type("run", "show version", "--resume", "last")
    assert (done.code, done.stdout) == (1, "")
    assert "ran 'show clock', not 'show version'" in done.stderr


TASK = """
import runner
from runner.tasks import namespace

@runner.host_task
def greet(host, name="you"):
    '''Greet.'''
    return host.run("hostname").stdout

namespace.add_task(greet)
"""


def test_another_task_is_refused_by_name(killed: Project) -> None:
    killed.write("tasks.py", TASK)
    run = killed.type("history").stdout.split()[0]
    done = killed.type("greet", "--resume", run)
    assert (done.code, done.stdout) == (1, "")
    assert "was of the task 'run', not 'greet'" in done.stderr


def test_other_arguments_are_refused_with_the_difference(demo: Project) -> None:
    demo.write("tasks.py", TASK)
    demo.type("greet", "-g", "web1", "--name", "Ann")
    done = demo.type("greet", "--resume", "last", "--name", "Bob")
    assert (done.code, done.stdout) == (1, "")
    assert "name was 'Ann' and is now 'Bob'" in done.stderr
    assert demo.type("greet", "--resume", "last", "--name", "Ann").code == 0


def test_other_hosts_are_refused_with_the_difference(killed: Project) -> None:
    done = killed.type("run", "--resume", "last", "-g", "r1:r2:web1")
    assert (done.code, done.stdout) == (1, "")
    assert "no longer there: r3,r-slow; new: web1" in done.stderr


def test_last_is_the_last_run_that_can_be_gone_on_with(killed: Project) -> None:
    killed.type("ping", "-g", "web1")
    assert statuses(killed, "--resume", "last")["r2"] == "ok"


def test_a_host_in_doubt_is_run_again_where_that_is_said(killed: Project) -> None:
    found = statuses(killed, "--resume", "last", "--rerun-lost")
    assert found == {"r1": "skipped", "r-slow": "ok", "r2": "ok", "r3": "ok"}


def test_nor_is_it_run_again_as_failed_without_that(killed: Project) -> None:
    words = ("show clock", "-g", "r1:r-slow:r2:r3", "--failed", "last")
    assert statuses(killed, *words) == {"r-slow": "lost", "r2": "ok", "r3": "ok"}
    assert statuses(killed, *words, "--rerun-lost") == {"r-slow": "ok"}


def halted_while_nothing_is_written(process: subprocess.Popen[bytes], path: Path) -> bool:
    """Halt a program, unless it is in the middle of a transaction, which would keep out whoever reads."""
    process.send_signal(signal.SIGSTOP)
    with closing(sqlite3.connect(path, timeout=0)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            process.send_signal(signal.SIGCONT)
            return False
        database.execute("ROLLBACK")
        return True


def test_a_run_that_goes_on_is_not_gone_on_with(demo: Project) -> None:
    with demo.start("run", "show clock", "-g", "r-slow:r2", "--serial", "1", "--no-ping") as process:
        path = history(demo)
        until(lambda: path.exists() and History(path).runs(Query()))
        until(lambda: halted_while_nothing_is_written(process, path))
        done = demo.type("run", "--resume", "last")
        process.send_signal(signal.SIGCONT)
        process.communicate()
    assert done.code == 1
    assert f"still going on (process {process.pid})" in done.stderr


def test_a_killed_run_is_shown_with_every_host(killed: Project) -> None:
    done = killed.type("history.show", "last", "--format", "json")
    hosts = json.loads(done.stdout)["hosts"]
    assert {name: (host["status"], host["reason"]) for name, host in hosts.items()} == {
        "r1": ("ok", None),
        "r-slow": ("lost", "in-doubt"),
        "r2": ("cancelled", "not-reached"),
        "r3": ("cancelled", "not-reached"),
    }


def test_failed_means_the_last_run_in_the_order_of_runs(demo: Project) -> None:
    for pattern in ("r1", "r-denied", "r1:r-denied"):  # several in one second
        demo.type("run", "show clock", "-g", pattern)
    assert statuses(demo, "show clock", "--failed", "last") == {"r-denied": "auth"}


def test_nothing_failed_is_nothing_to_do(demo: Project) -> None:
    demo.type("run", "show clock", "-g", "good")
    done = demo.type("run", "show clock", "--failed", "last")
    assert (done.code, done.stdout) == (0, "")
    assert "nothing to do" in done.stderr


def test_a_ping_is_not_resumed(demo: Project) -> None:
    done = demo.type("ping", "--resume", "last")
    assert (done.code, done.stdout) == (1, "")
    assert "ping again instead" in done.stderr
