"""The history: what was written comes back, and what was started without a result is known to be in doubt."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner.errors import UsageError
from runner.history import History, Query, Span
from runner.history.database import Arrival, Intent
from runner.models import CommandResult, HostResult, Phase, Status

from .runs import START, add, keep, make_run, said, start

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "history.sqlite3"


def test_a_result_comes_back_as_it_was_written(path: Path) -> None:
    history, run = History(path), make_run()
    results = [
        said("r1", b"\x00 12:00\r\n"),
        HostResult("r2", Status.UNREACHABLE, phase=Phase.PING, reason="no-reply", error="no reply"),
        HostResult("r3", Status.OK, rtt_ms=1.0, rtts_ms=(1.0, None), method="icmp"),
        HostResult("r4", Status.OK, value={"before": ["12.1", None], "count": 3}),
    ]
    history.begin(run, ["r1", "r2", "r3", "r4"], {"image": "latest"})
    add(history, run, *results)
    history.finish(run)
    record = History(path).find(run.id)
    assert list(record.results.values()) == results
    assert replace(record.run, finished=None) == run
    assert record.run.finished is not None
    assert record.arguments == {"image": "latest"}


@pytest.mark.parametrize("data", [b"", b"short", b"long " * 1000, os.urandom(5000)])
def test_an_output_of_any_kind_comes_back(path: Path, data: bytes) -> None:
    keep(History(path), 1, [said("r1", data)])
    assert History(path).find("last").results["r1"].commands[0].stdout_bytes == data


def test_a_value_that_json_has_no_words_for_is_kept_as_its_text(path: Path) -> None:
    class Version:
        def __str__(self) -> str:
            return "12.1"

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    values = {"h1": Version(), "h2": Broken(), "h3": float("nan"), "h4": "\udc80"}
    keep(History(path), 1, [HostResult(host, Status.OK, value=value) for host, value in values.items()])
    found = History(path).find("last").results
    assert {host: result.value for host, result in found.items()} == {
        "h1": "12.1",
        "h2": "<Broken that cannot be shown>",
        "h3": "nan",
        "h4": "\udc80",
    }


def test_half_a_surrogate_pair_is_kept_as_its_escape(path: Path) -> None:
    keep(History(path), 1, [HostResult("r1", Status.ERROR, error="bad \udc80")])
    assert History(path).find("last").results["r1"].error == "bad \\udc80"


def test_outputs_are_read_where_they_are_wanted(path: Path) -> None:
    keep(History(path), 1, [said("r1", b"12:00")])
    record = History(path).find("last", outputs=False)
    assert record.results["r1"].commands == ()
    assert record.results["r1"].ok


def test_when_a_host_was_worked_on_is_kept(path: Path) -> None:
    history, run = History(path), make_run()
    history.begin(run, ["done", "queued", "lost", "running", "waiting"])
    history.write(run, [Intent("done", 1.0), Intent("lost", 1.0), Intent("running", 2.5)], [])
    history.write(
        run,
        [],
        [
            Arrival(HostResult("done", Status.OK, duration_s=2.0), 4.0),
            Arrival(HostResult("queued", Status.UNREACHABLE), 0.5),
            Arrival(HostResult("lost", Status.LOST), 9.0),
        ],
    )
    assert history.find("last").spans == {
        "done": Span(2.0, 4.0),
        "queued": Span(0.5, 0.5),
        "lost": Span(1.0, 9.0),
        "running": Span(2.5, None),
    }


def test_the_file_and_its_folder_are_their_owners_alone(path: Path) -> None:
    History(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_so_are_the_files_that_sqlite_puts_beside_it(path: Path) -> None:
    history = History(path)
    keep(history, 1, [said("r1", b"")])
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert len(list(path.parent.iterdir())) == 3


def test_the_same_output_of_many_hosts_is_stored_once(path: Path) -> None:
    names = [f"h{number}" for number in range(50)]
    keep(History(path), 1, [said(name, b"x" * 10_000) for name in names])
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM outputs").fetchone() == (2,)
        assert database.execute("SELECT sum(length(data)) FROM outputs").fetchone()[0] < 200


def test_what_a_killed_run_leaves_is_told_apart(path: Path) -> None:
    history, run = History(path), make_run()
    history.begin(run, ["done", "failed", "running", "waiting", "lost", "stopped", "cut"])
    start(history, run, "done", "failed", "running", "lost", "cut")
    add(
        history,
        run,
        said("done", b""),
        said("failed", b"", Status.FAILED),
        HostResult("lost", Status.LOST, sent=True),
        HostResult("stopped", Status.CANCELLED),
        HostResult("cut", Status.CANCELLED, sent=True),
    )
    history.close()
    record = History(path).find("last")
    assert record.in_doubt == ("running", "lost", "cut")
    assert record.missing == ("waiting", "stopped")
    assert record.failed == ("failed", "running", "waiting", "lost", "stopped", "cut")


def test_a_host_that_was_started_once_more_is_in_doubt_whatever_it_was_before(path: Path) -> None:
    history, run = History(path), make_run()
    history.begin(run, ["stopped"])
    add(history, run, HostResult("stopped", Status.CANCELLED))
    history.finish(run)
    again = History(path)
    again.reopen(run)
    start(again, run, "stopped")
    again.close()
    record = History(path).find("last")
    assert (record.in_doubt, record.missing) == (("stopped",), ())
    assert record.run.finished is None


def test_what_was_found_later_stands_alone(path: Path) -> None:
    history, run = History(path), make_run()
    history.begin(run, ["r1"])
    two = CommandResult("a", 0, b"1"), CommandResult("b", None)
    add(history, run, HostResult("r1", Status.LOST, commands=two, sent=True))
    history.finish(run)
    again = History(path)
    again.reopen(run)
    start(again, run, "r1")
    add(again, run, HostResult("r1", Status.OK, commands=two[:1], sent=True))
    assert again.find("last").results["r1"].commands == two[:1]


def test_a_run_is_found_by_the_beginning_of_its_id(path: Path) -> None:
    history = History(path)
    for number in (1, 2):
        history.begin(make_run(number), [])
    assert history.find("20260102T030405-000001").run == make_run(1)
    assert history.find("last").run == make_run(2)
    with pytest.raises(UsageError, match="several runs begin with"):
        history.find("2026")
    for name in ("x", "?0260102*", "20260102T030405-00000?"):
        with pytest.raises(UsageError, match="holds no run"):
            history.find(name)


def test_last_may_be_of_one_task(path: Path) -> None:
    history = History(path)
    history.begin(make_run(1), [])
    history.begin(make_run(2, task="ping", commands=()), [])
    assert history.find("last", task="run").run == make_run(1)
    with pytest.raises(UsageError, match="no run of 'upgrade' yet"):
        history.find("last", task="upgrade")


def test_nothing_is_last_in_an_empty_history(path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run yet"):
        History(path).find("last")


def test_the_run_before_is_the_latest_of_the_same_task_and_commands(path: Path) -> None:
    history = History(path)
    keep(history, 1)
    keep(history, 2, commands=("show version",))
    keep(history, 3, task="ping", commands=())
    same = keep(history, 4)
    assert history.before(same) == make_run(1).id
    assert history.before(make_run(1)) is None


def test_runs_are_listed_newest_first_with_how_their_hosts_ended(path: Path) -> None:
    history = History(path)
    for number in range(3):
        history.begin(make_run(number), ["a", "b"])
    add(history, make_run(2), said("a", b""))
    listed = history.runs(Query(limit=2))
    assert [item.run.id for item in listed] == [make_run(2).id, make_run(1).id]
    assert (listed[0].counts, listed[0].without_result) == ({Status.OK: 1}, 1)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (Query(), [3, 2, 1]),
        (Query(limit=1), [3]),
        (Query(task="ping"), [3]),
        (Query(host="web1"), [2, 1]),
        (Query(host="web*"), [3, 2, 1]),
        (Query(host="nobody"), []),
        (Query(status=Status.FAILED), [2]),
        (Query(status=Status.FAILED, host="db1"), []),
        (Query(status=Status.OK, host="db1"), [1]),
        (Query(command="CLOCK"), [1]),
        (Query(command='say "hi"'), [2]),
        (Query(since=START + timedelta(minutes=2)), [3, 2]),
        (Query(until=START + timedelta(minutes=2)), [1]),
        (Query(task="run", since=START + timedelta(minutes=2)), [2]),
    ],
)
def test_runs_are_listed_by_what_is_asked(path: Path, query: Query, numbers: list[int]) -> None:
    history = History(path)
    keep(history, 1, [said("web1", b""), said("db1", b"")])
    keep(history, 2, [said("web1", b"", Status.FAILED)], commands=("ls", 'Say "hi"'))
    keep(history, 3, [said("web2", b"")], task="ping", commands=())
    assert [item.run.id for item in history.runs(query)] == [make_run(number).id for number in numbers]


def test_two_runs_at_once_do_not_disturb_each_other(path: Path) -> None:
    names = [f"h{number}" for number in range(40)]

    def one(number: int) -> None:
        history, run = History(path), make_run(number)
        history.begin(run, names)
        for name in names:
            start(history, run, name)
            add(history, run, said(name, str(number).encode()))
        history.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    for number in range(4):
        record = History(path).find(make_run(number).id)
        assert {result.stdout for result in record.results.values()} == {str(number)}
        assert len(record.results) == len(names)


def test_a_run_that_a_process_is_at_work_on_is_not_gone_on_with(path: Path) -> None:
    script = (
        "import sys, pathlib; from runner.history import History; from tests.history.runs import make_run\n"
        "history = History(pathlib.Path(sys.argv[1])); history.begin(make_run(), ['r1'])\n"
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(UsageError, match=rf"still going on \(process {other.pid}\)"):
            History(path).claim(make_run())
        other.kill()
    assert History(path).claim(make_run()) == START
