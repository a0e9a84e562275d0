"""The history: what was shown is there, and what was started without a result is known to be in doubt."""

from __future__ import annotations

import logging
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from runner.errors import UsageError
from runner.history import History, Recorder
from runner.models import CommandResult, HostResult, Phase, Run, Status

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_run(number: int = 0) -> Run:
    return Run(
        id=f"20260102T030405-{number:06x}",
        task="run",
        started=START + timedelta(minutes=number),
        commands=("show clock",),
        pattern="routers",
        inventory=("inventories/demo",),
        executor="thread",
        workers=50,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "history.sqlite3"


def said(host: str, output: bytes, status: Status = Status.OK) -> HostResult:
    command = CommandResult("show clock", 0, output, b"\xff", 0.25)
    return HostResult(
        host, status, address="192.0.2.1", port=22, rtt_ms=0.5, attempts=1, sent=True, commands=(command,)
    )


def test_a_result_comes_back_as_it_was_written(path: Path) -> None:
    history, run = History(path), make_run()
    result = said("r1", b"\x00 12:00\r\n")
    history.begin(run, ["r1"])
    history.add(run, result)
    history.finish(run)
    record = history.find(run.id)
    assert record.results == {"r1": result}
    assert record.run.commands == ("show clock",)
    assert record.run.started == run.started
    assert record.run.finished is not None


def test_reason_and_phase_come_back_too(path: Path) -> None:
    history, run = History(path), make_run()
    result = HostResult("r1", Status.UNREACHABLE, phase=Phase.PING, reason="no-reply", error="no reply")
    history.begin(run, ["r1"])
    history.add(run, result)
    assert history.find("last").results["r1"] == result


def test_the_file_and_its_folder_are_their_owners_alone(path: Path) -> None:
    History(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_same_output_of_many_hosts_is_stored_once(path: Path) -> None:
    history, run = History(path), make_run()
    names = [f"h{number}" for number in range(50)]
    history.begin(run, names)
    for name in names:
        history.add(run, said(name, b"x" * 10_000))
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM outputs").fetchone() == (2,)


def test_what_a_killed_run_leaves_is_told_apart(path: Path) -> None:
    history, run = History(path), make_run()
    history.begin(run, ["done", "failed", "running", "waiting", "lost", "stopped"])
    history.start(run, ["done", "failed", "running", "lost"])
    history.add(run, said("done", b""))
    history.add(run, said("failed", b"", Status.FAILED))
    history.add(run, HostResult("lost", Status.LOST, sent=True))
    history.add(run, HostResult("stopped", Status.CANCELLED))
    history.close()
    record = History(path).find("last")
    assert record.in_doubt == ("running", "lost")
    assert record.missing == ("waiting", "stopped")
    assert record.failed == ("failed", "running", "waiting", "lost", "stopped")


def test_a_run_is_found_by_the_beginning_of_its_id(path: Path) -> None:
    history = History(path)
    for number in (1, 2):
        history.begin(make_run(number), [])
    assert history.find("20260102T030405-000001").run == make_run(1)
    assert history.find("last").run == make_run(2)
    with pytest.raises(UsageError, match="several runs begin with"):
        history.find("2026")
    with pytest.raises(UsageError, match="no run 'x'"):
        history.find("x")


def test_a_pattern_is_no_run(path: Path) -> None:
    history = History(path)
    history.begin(make_run(), [])
    with pytest.raises(UsageError, match="no run"):
        history.find("?0260102*x")


def test_runs_are_listed_newest_first_with_how_their_hosts_ended(path: Path) -> None:
    history = History(path)
    for number in range(3):
        history.begin(make_run(number), ["a", "b"])
    history.add(make_run(2), said("a", b""))
    listed = history.runs(2)
    assert [run.id for run, _ in listed] == [make_run(2).id, make_run(1).id]
    assert listed[0][1] == {"ok": 1, "": 1}


def test_two_runs_at_once_do_not_disturb_each_other(path: Path) -> None:
    names = [f"h{number}" for number in range(40)]

    def one(number: int) -> None:
        history, run = History(path), make_run(number)
        history.begin(run, names)
        for name in names:
            history.add(run, said(name, str(number).encode()))
        history.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    for number in range(4):
        record = History(path).find(make_run(number).id)
        assert {result.stdout for result in record.results.values()} == {str(number)}
        assert len(record.results) == len(names)


@pytest.mark.parametrize("content", [b"this is no database" * 100, b""])
def test_a_file_that_is_no_history_is_one_warning(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        recorder = Recorder(path, make_run(), ["a", "b"])
        for name in ("a", "b"):
            recorder.add(said(name, b""))
        recorder.finish()
    assert len(caplog.records) == (1 if content else 0)


def test_a_history_of_a_newer_version_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    History(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        Recorder(path, make_run(), ["a"]).add(said("a", b""))
    assert "newer version" in caplog.text
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        Recorder(tmp_path / "file" / "history.sqlite3", make_run(), ["a"]).add(said("a", b""))
    assert len(caplog.records) == 1
