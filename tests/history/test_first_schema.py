"""A history that the first version wrote is taken over: nothing is lost, and it goes on as if it were new."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.history import History, Limits, Query, prune
from runner.models import CommandResult, HostResult, Phase, Status

from .runs import add, make_run, said, start

DUMP = Path(__file__).parent / "first_schema.sql"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "history.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(DUMP.read_text("utf-8"))
        database.execute("PRAGMA user_version = 1")
    database.close()
    return file


def test_its_runs_are_there(path: Path) -> None:
    record = History(path).find(make_run(1).id)
    assert record.run == make_run(1)
    assert record.hosts == ("r1", "r2", "r3", "r4")
    assert record.results == {
        "r1": said("r1", b"12:00\n" * 100),
        "r2": HostResult("r2", Status.UNREACHABLE, phase=Phase.PING, reason="no-reply", error="no reply"),
    }
    # It has no end, and that version left no mark by which a kill is told from a history that failed.
    assert (record.in_doubt, record.missing, record.complete) == (("r3", "r4"), (), False)


def test_outputs_that_runs_share_are_still_one(path: Path) -> None:
    history = History(path)
    result = history.find("last").results["r1"]
    command = CommandResult("x", 3, b"", b"12:00\n" * 100, signal="KILL", truncated=True)
    assert (result.commands, result.value, result.duration_s) == ((command,), "{'a': 1}", 1.5)
    assert history._database.execute("SELECT count(*) FROM outputs").fetchone() == (3,)


def test_nothing_is_left_of_its_tables(path: Path) -> None:
    history = History(path)
    names = {name for (name,) in history._database.execute("SELECT name FROM sqlite_schema").fetchall()}
    assert not {name for name in names if name.startswith("first_")}
    assert history._database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert history._database.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_run_of_it_is_gone_on_with(path: Path) -> None:
    history, run = History(path), make_run(1)
    history.reopen(run)
    start(history, run, "r4")
    add(history, run, said("r4", b"12:00\n" * 100))
    assert history.find(run.id).missing == ()


def test_two_programs_that_take_it_over_at_once_do_it_once(path: Path) -> None:
    def listed(_number: int) -> int:
        with History(path) as history:
            return len(history.runs(Query()))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(listed, range(4))) == [2] * 4


def test_it_becomes_smaller_when_it_is_pruned(path: Path) -> None:
    History(path).close()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE big (data)")
        database.execute("INSERT INTO big VALUES (zeroblob(1000000))")
        database.execute("DROP TABLE big")
    database.close()
    before = path.stat().st_size
    assert prune(path, Limits(runs=1)).kept == 1
    assert path.stat().st_size < before / 2
