"""A record says whether it holds everything that was done; nothing is done again because a record lacks it.

The faults are real: another process locks the database, the disk is full, files must not grow any more.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runner.history import History, Limits, Recorder, prune, schema
from runner.history.mark import has_mark, remove_mark
from runner.models import HostResult, Status
from tests.connection.sshd import go_without, required_program
from tests.history.counting import CountingServer, project_of
from tests.history.runs import keep, make_run, said, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.history import Record
    from tests.projects import Project

HOSTS = ("h1", "h2", "h3", "h4", "h5", "h6")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def found(path: Path) -> Record:
    with History(path) as history:
        return history.find("last")


def recorded(path: Path, spoil: Callable[[], None], mend: Callable[[], None]) -> Record:
    """Record a run of six hosts, all of them done, of which the history takes only the first."""
    recorder = Recorder(path, make_run(), HOSTS)
    recorder.start(HOSTS[:1])
    recorder.keep([said("h1", b"done")])
    recorder.start(())
    spoil()
    for host in HOSTS[1:]:
        recorder.start([host])
        recorder.keep([said(host, os.urandom(60_000))])
    mend()
    recorder.finish()
    return found(path)


def test_a_database_that_another_process_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_BUSY_S", 0.5)  # the real ten seconds are waited for below
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        record = recorded(path, lambda: other.execute("BEGIN EXCLUSIVE"), lambda: other.execute("ROLLBACK"))
    assert not record.complete
    assert (record.in_doubt, record.missing) == (HOSTS[1:], ())
    assert record.result("h2").status is Status.LOST


def test_no_host_is_started_before_that_is_on_the_disk(path: Path) -> None:
    recorder = Recorder(path, make_run(), HOSTS)
    recorder.start(())
    starting = threading.Thread(target=recorder.start, args=(HOSTS[:1],), daemon=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        starting.start()
        starting.join(0.3)
        assert starting.is_alive()
        other.execute("ROLLBACK")
    starting.join(60)
    assert found(path).started == {"h1"}
    recorder.finish()


def test_files_that_must_not_grow(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit() -> None:
        size = max(file.stat().st_size for file in path.parent.glob("history.sqlite3*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    try:
        record = recorded(path, limit, lambda: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not record.complete
    assert set(HOSTS[2:]) <= set(record.in_doubt)
    assert record.missing == ()


def test_a_run_that_was_killed_is_complete_as_far_as_it_came(path: Path) -> None:
    script = (
        "import sys, pathlib; from runner.history import History; from tests.history.runs import *\n"
        "history = History(pathlib.Path(sys.argv[1])); history.begin(make_run(), ['h1', 'h2', 'h3'])\n"
        "start(history, make_run(), 'h1', 'h2'); add(history, make_run(), said('h1', b''))\n"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    record = found(path)
    assert record.complete
    assert (record.in_doubt, record.missing) == (("h2",), ("h3",))


def test_an_orderly_end_leaves_no_mark(path: Path) -> None:
    with History(path) as history:
        run = keep(history, 1, [said("h1", b"")])
        assert history.find("last").complete
    assert not has_mark(path, run.id)
    assert sorted(file.name for file in path.parent.iterdir()) == ["history.sqlite3"]


def test_the_mark_of_a_killed_run_goes_with_the_run(path: Path) -> None:
    with History(path) as history:
        run = make_run(1)
        history.begin(run, ["h1"])
        history._database.execute("UPDATE runs SET process = '1'")
        keep(history, 2)
    assert has_mark(path, run.id)
    prune(path, Limits(runs=1))
    assert not has_mark(path, run.id)


def test_going_on_with_a_run_takes_back_its_end(path: Path) -> None:
    """If the history fails at once when a stopped run is gone on with, its old end must not count."""
    run = make_run()
    with History(path) as history:
        history.begin(run, HOSTS)
        history.write(run, [], [])
        history.finish(run)
        ended = history.find("last")
        assert ended.missing == HOSTS
        history.reopen(ended.run)
        start(history, run, "h1")
    (path.parent / "file").write_text("in the way")
    recorder = Recorder(path.parent / "file" / "history.sqlite3", run, HOSTS, resumed=True)
    recorder.finish()
    record = found(path)
    assert (record.run.finished, record.in_doubt) == (None, ("h1",))


def test_an_incomplete_record_stays_incomplete_when_it_is_gone_on_with(path: Path) -> None:
    run = make_run()
    with History(path) as history:
        history.begin(run, HOSTS)
        remove_mark(path, run.id)
        history.reopen(history.find("last").run)
        assert not history.find("last").complete


def test_what_an_earlier_sitting_found_is_not_believed_of_an_incomplete_record(path: Path) -> None:
    run = make_run()
    with History(path) as history:
        history.begin(run, ["h1"])
        stopped = HostResult("h1", Status.CANCELLED, reason="stopped")
        history.write(run, [], [(stopped, 0.1)])  # type: ignore[list-item]
        assert history.find("last").missing == ("h1",)
        remove_mark(path, run.id)
        assert history.find("last").in_doubt == ("h1",)


@pytest.fixture(scope="module")
def server() -> Iterator[CountingServer]:
    with CountingServer(HOSTS, slowest_s=0.2) as running:
        yield running


@pytest.fixture
def project(server: CountingServer, tmp_path: Path) -> Project:
    return project_of(server, tmp_path, "no_ping: true")


WORDS = ("run", "count", "--format", "jsonl", "--serial", "1")


def statuses(text: str) -> dict[str, str]:
    lines = [json.loads(line) for line in text.splitlines()]
    return {line["host"]: line["status"] for line in lines if "host" in line}


def test_a_run_whose_history_was_locked_is_not_done_again(project: Project, server: CountingServer) -> None:
    """The example itself: the database is locked for longer than the ten seconds that are waited."""
    with project.start(*WORDS) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        with closing(
            sqlite3.connect(project.folder / "kept.sqlite3", isolation_level=None, timeout=30)
        ) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            shown = [json.loads(line) for line in process.stdout.read().splitlines()[:-1]]
            lock.execute("ROLLBACK")
    assert [host["status"] for host in shown] == ["ok"] * 5
    assert server.take_runs() == dict.fromkeys(HOSTS, 1)

    said = "could not be written up to its end"
    for words in (("history.show", "last"), ("report", "last", "--html", "page.html")):
        assert said in project.type(*words).stderr
    resume = project.type("run", "--resume", "last", "--format", "jsonl")
    assert said in resume.stderr
    assert list(statuses(resume.stdout).values()).count("lost") >= 4
    assert not server.take_runs()
    project.type("run", "count", "--failed", "last")
    assert not server.take_runs()


def test_failed_hosts_of_an_incomplete_record_are_not_done_again(
    project: Project, server: CountingServer
) -> None:
    with History(project.folder / "kept.sqlite3") as history:
        history.begin(make_run(2), HOSTS)
        remove_mark(history.path, make_run(2).id)
    done = project.type("run", "count", "--failed", "last", "--format", "jsonl")
    assert "could not be written up to its end" in done.stderr
    assert statuses(done.stdout) == dict.fromkeys(HOSTS, "lost")
    assert not server.take_runs()


def test_resuming_without_a_history_is_refused(project: Project, server: CountingServer) -> None:
    with project.start(*WORDS) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    server.take_runs()
    done = project.type("run", "--resume", "last", "--no-history")
    assert done.code == 1
    assert "--no-history" in done.stderr
    assert not server.take_runs()


def test_a_diff_of_an_incomplete_record_says_so(project: Project) -> None:
    path = project.folder / "kept.sqlite3"
    with History(path) as history:
        keep(history, 1, [said("h1", b"a")])
        history.begin(make_run(2), ["h1", "h2"])
        remove_mark(path, make_run(2).id)
    done = project.type("diff")
    assert f"run {make_run(2).id}: the history could not be written up to its end" in done.stderr


def test_a_disk_that_becomes_full(project: Project, server: CountingServer) -> None:
    if os.geteuid() != 0:
        go_without("only root mounts file systems")
    unshare = [required_program("unshare"), "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        go_without("this machine lets root make no mount namespaces")
    invoke = (sys.executable, "-m", "invoke")
    first, again = (
        shlex.join((*invoke, *words)) for words in (WORDS, ("run", "--resume", "last", *WORDS[2:4]))
    )
    state = project.folder / "state"
    state.mkdir()
    # The run begins with room for its first host; the disk is filled while that is at work.
    script = f"""
        mount -t tmpfs -o size=2m none state
        ({first} >shown 2>said; touch over) &
        while [ ! -s shown ] && [ ! -e over ]; do sleep 0.01; done
        cat /dev/zero >state/filler 2>/dev/null || true
        wait; rm state/filler; {again} >shown.again 2>said.again; true
    """
    done = subprocess.run(
        [*unshare, "sh", "-euc", script],
        cwd=project.folder,
        env=project.environment(INVOKE_RUNNER_HISTORY=str(state / "kept.sqlite3")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = statuses((project.folder / "shown").read_text())
    assert shown == dict.fromkeys(HOSTS, "ok"), done.stderr
    if "not kept in the history" in (project.folder / "said").read_text():
        assert "lost" in statuses((project.folder / "shown.again").read_text()).values()
    assert server.take_runs() == dict.fromkeys(HOSTS, 1)
