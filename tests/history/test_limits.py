"""How much history is kept: the oldest goes first, what goes on stays, and the file becomes smaller."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner.history import History, Limits, Query, Recorder, prune

from .runs import START, keep, make_run, said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


def kept(path: Path) -> list[str]:
    with History(path) as history:
        return [item.run.id[-1] for item in history.runs(Query())]


def fill(path: Path, runs: int, output: int = 10) -> None:
    with History(path) as history:
        for number in range(1, runs + 1):
            keep(history, number, [said("r1", os.urandom(output)), said("r2", b"the same " * 20)])


def test_the_newest_runs_are_kept(path: Path) -> None:
    fill(path, 5)
    assert prune(path, Limits(runs=2)).runs == 3
    assert kept(path) == ["5", "4"]


def test_what_is_too_old_goes(path: Path) -> None:
    fill(path, 5)
    prune(path, Limits(age_s=90), now=START + timedelta(minutes=5))
    assert kept(path) == ["5", "4"]


def test_the_file_becomes_as_small_as_asked(path: Path) -> None:
    fill(path, 9, output=100_000)
    size = path.stat().st_size
    done = prune(path, Limits(size=size // 2))
    assert done.kept == len(kept(path)) > 2
    assert kept(path)[0] == "9"
    assert path.stat().st_size <= size // 2


def test_an_output_goes_with_the_last_run_that_had_it(path: Path) -> None:
    fill(path, 3, output=5000)
    prune(path, Limits(runs=1))
    with History(path) as history:
        assert history._database.execute("SELECT count(*) FROM outputs").fetchone() == (3,)
        assert history.find("last").results["r2"].stdout == "the same " * 20


def test_a_run_that_goes_on_stays(path: Path) -> None:
    with History(path) as history:
        history.begin(make_run(1), ["r1"])
        keep(history, 2)
    assert prune(path, Limits(runs=0)).runs == 1
    assert kept(path) == ["1"]


def test_no_limit_deletes_nothing(path: Path) -> None:
    fill(path, 3)
    assert prune(path, Limits()).runs == 0
    assert len(kept(path)) == 3


def test_a_run_sees_to_the_limits_when_it_has_ended(path: Path) -> None:
    fill(path, 5)
    recorder = Recorder(path, make_run(6), ["r1"], limits=Limits(runs=3))
    recorder.keep([said("r1", b"")])
    recorder.finish()
    assert kept(path) == ["6", "5", "4"]


def test_pruning_that_takes_too_long_goes_on_another_time(path: Path) -> None:
    fill(path, 5)
    assert prune(path, Limits(runs=2), most_s=0).runs == 0


def test_one_jump_of_the_clock_deletes_nothing(path: Path) -> None:
    fill(path, 12)
    with History(path) as history:
        keep(history, 13, started=START + timedelta(days=20_000))
    assert prune(path, Limits(age_s=86_400)).runs == 0


def test_no_run_is_too_old_before_enough_others_have_begun(path: Path) -> None:
    fill(path, 9)
    assert prune(path, Limits(age_s=60)).runs == 0


def test_what_ten_later_runs_agree_on_is_too_old(path: Path) -> None:
    fill(path, 3)
    with History(path) as history:
        for number in range(10):
            keep(history, 100 + number, started=START + timedelta(days=20, minutes=number))
    assert prune(path, Limits(age_s=86_400)).runs == 3
