"""What a run keeps while it goes on, never at the cost of the run."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest

from runner.history import History, Recorder

from .runs import make_run, said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def test_what_is_kept_is_in_the_history_by_then(path: Path) -> None:
    names = [f"h{number}" for number in range(300)]
    recorder = Recorder(path, make_run(), names)
    for first in range(0, 300, 30):
        recorder.keep([said(name, b"") for name in names[first : first + 30]])
        with History(path) as other:
            assert [*other.find("last").results] == names[: first + 30]
    recorder.finish()


def test_nothing_is_in_the_history_of_a_run_that_began_with_no_host(path: Path) -> None:
    Recorder(path, make_run(), ["a"]).finish()
    assert not path.exists()


def test_a_start_is_in_the_history_before_it_is_one(path: Path) -> None:
    recorder = Recorder(path, make_run(), ["a", "b"])
    recorder.start(["b"])
    assert History(path).find("last").in_doubt == ("b",)
    recorder.finish()


def test_a_start_is_on_the_disk_and_a_result_need_not_be(path: Path) -> None:
    asked: list[str] = []
    history, run = History(path), make_run()
    history.begin(run, ["a"])
    history._database.set_trace_callback(asked.append)
    from .runs import add, start

    start(history, run, "a")
    assert history._database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    add(history, run, said("a", b""))
    assert history._database.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
    assert asked.count("COMMIT") == 2


def test_what_came_together_is_one_transaction(path: Path) -> None:
    names = [f"h{number}" for number in range(100)]
    recorder = Recorder(path, make_run(), names)
    recorder.start(names)
    assert recorder._history is not None
    asked: list[str] = []
    recorder._history._database.set_trace_callback(asked.append)
    recorder.keep([said(name, b"") for name in names])
    assert asked.count("COMMIT") == 1
    recorder.finish()


def broken(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)


def newer(path: Path) -> None:
    History(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")


def a_folder(path: Path) -> None:
    path.mkdir()


def cut_short(path: Path) -> None:
    with History(path) as history:
        for number in range(1, 40):
            history.begin(make_run(number), [f"h{host}" for host in range(100)])
    data = path.read_bytes()
    path.write_bytes(data[:8192] + b"\xa5" * (len(data) - 8192))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (broken, "move the file away"),
        (newer, "newer version"),
        (a_folder, "unable to open"),
        (cut_short, "malformed"),
    ],
)
def test_a_history_that_cannot_be_used_is_one_warning(
    path: Path, spoil: object, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else b""
    with caplog.at_level(logging.WARNING):
        recorder = Recorder(path, make_run(), ["a", "b"])
        recorder.start(["a", "b"])
        for name in ("a", "b"):
            recorder.keep([said(name, b"")])
        recorder.finish()
    assert len(caplog.records) == 1
    assert told in caplog.text
    assert path.is_dir() or path.read_bytes() == before


def test_an_empty_file_is_an_empty_history(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.touch()
    recorder = Recorder(path, make_run(), ["a"])
    recorder.keep([said("a", b"")])
    recorder.finish()
    assert not caplog.records
    assert set(History(path).find("last").results) == {"a"}


def test_a_history_that_breaks_in_the_middle_is_one_warning(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(path, make_run(), ["a", "b"])
    recorder.start(["a"])
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE intents")
    with caplog.at_level(logging.WARNING):
        recorder.start(["b"])
        for name in ("a", "b"):
            recorder.keep([said(name, b"")])
        recorder.finish()
    assert len(caplog.records) == 1
