"""`history`, `diff` and `report`: what was run, what changed, and a page about it."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from tests.projects import Project, project

if TYPE_CHECKING:
    from pathlib import Path

    from runner.demo import Fleet


def listed(where: Project, *words: str) -> list[str]:
    ended = where.type("history", *words)
    assert ended.code == 0, ended.stderr
    return [re.split(" {2,}", line, maxsplit=2)[2] for line in ended.stdout.splitlines()]


@pytest.fixture(scope="module")
def made(demo_fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with three runs in its history: two of the same command, then a ping."""
    groups = {"good": ["r1", "r2", "r3"]}
    made = project(tmp_path_factory.mktemp("made") / "project", demo_fleet, groups)
    made.env["INVOKE_RUNNER_HISTORY"] = str(made.folder / "kept.sqlite3")
    made.type("run", "hostname", "-g", "web1:web2")
    made.type("run", "hostname", "-g", "web1:r-denied:r-down")
    made.type("ping", "-g", "good")
    return made


@pytest.fixture
def kept(made: Project, tmp_path: Path) -> Project:
    """The same with a history of its own."""
    shutil.copy(made.env["INVOKE_RUNNER_HISTORY"], tmp_path / "kept.sqlite3")
    return Project(made.folder, {"INVOKE_RUNNER_HISTORY": str(tmp_path / "kept.sqlite3")})


WEB = "'hostname' on web1:web2: 2 ok"
MIXED = "'hostname' on web1:r-denied:r-down: 1 ok, 1 unreachable, 1 auth"
PING = "'ping' on good: 3 ok"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ((), [PING, MIXED, WEB]),
        (("--limit", "2"), [PING, MIXED]),
        (("--host", "r*"), [PING, MIXED]),
        (("--status", "ok", "--host", "r1"), [PING]),
        (("--command", "host"), [MIXED, WEB]),
        (("--until", "1h"), []),
        (("--since", "2026-01-01", "--until", "2026-01-01T00:00:01"), []),
    ],
)
def test_runs_are_listed_by_what_is_asked(kept: Project, words: tuple[str, ...], lines: list[str]) -> None:
    assert listed(kept, *words) == lines


def test_a_run_is_shown_by_the_groups_of_today_and_without_them_where_there_are_none(
    kept: Project, tmp_path: Path
) -> None:
    assert kept.type("history.show").stdout.startswith("good (3): ok  rtt ")
    other = tmp_path / "other.ini"
    other.write_text("[triple]\nr1\nr2\nr3\n[good]\nr1\nr2\n")
    assert kept.type("history.show", "-i", str(other)).stdout.startswith("triple (3): ok  rtt ")
    other.write_text("[broken")
    ended = kept.type("history.show", "-i", str(other))
    assert (ended.code, ended.stdout[:12], ended.stderr) == (0, "r[1-3] (3): ", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("history.show", "last", "-g", "r1"), "-g is not a flag here; "),
        (("history", "--status", "fine"), "history.list: --status 'fine': expected one of ok, failed,"),
        (("history", "--since", "soon"), "history.list: --since 'soon': expected how long ago (2h, 3d)"),
        (("history", "--group", "x"), "--group is not a flag here"),
        (("history.show", "nope"), "history.show: the history holds no run 'nope'; `runner history` lists"),
        (("history.show", "last", "--host", "nope"), "history.show: --host: no host of run"),
        (("history.prune", "--older-than", "soon"), "history.prune: --older-than 'soon': expected an age"),
        (("history.export",), "history.export: which run? give its id, or --all"),
        (("diff", "last", "last"), "cannot be compared with itself"),
        (("diff",), "has the same task and commands; name two runs"),
        (("diff", "--ignore", "("), "diff: --ignore '(': expected a regular expression"),
        (("report",), "report: no output file: give --html FILE"),
        (("report", "--html", "/proc/nowhere/x"), "report: --html '/proc/nowhere/x': No such file"),
        (("run", "hostname", "--rerun-lost"), "run: --rerun-lost goes with --resume or --failed"),
    ],
)
def test_what_cannot_be_done_is_one_line(kept: Project, words: tuple[str, ...], said: str) -> None:
    ended = kept.type(*words)
    assert (ended.code, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert said in line


def test_a_run_is_shown_in_part(kept: Project) -> None:
    ended = kept.type("history.show", "last", "--host", "r[12]", "--format", "json")
    assert list(ended.document["hosts"]) == ["r1", "r2"]


def test_a_history_that_is_not_there_is_empty(demo: Project) -> None:
    assert demo.type("history").stdout == ""
    assert demo.type("history.prune").stdout.startswith("0 runs deleted")


def test_the_oldest_runs_are_deleted(kept: Project) -> None:
    ended = kept.type("history.prune", "--keep", "1")
    assert ended.stdout.startswith("2 runs deleted, 1 kept: ")
    assert listed(kept) == [PING]
    assert kept.type("history.prune").stdout.startswith("0 runs deleted, 1 kept")
    assert kept.type("history.prune", "--older-than", "0s").stdout.startswith("1 run deleted, 0 kept")


def test_how_much_is_kept_is_a_setting(demo: Project) -> None:
    for _ in range(3):
        demo.type("ping", "-g", "r1", env={"INVOKE_RUNNER_HISTORY_RUNS": "2"})
    assert len(listed(demo)) == 2


def test_a_run_that_is_not_to_be_kept_is_not(demo: Project) -> None:
    demo.type("ping", "-g", "r1", "--no-history")
    demo.type("ping", "-g", "r1", "--dry-run")
    assert listed(demo) == []


def test_runs_are_exported_as_lines_of_json(kept: Project) -> None:
    lines = [json.loads(line) for line in kept.type("history.export", "--all").stdout.splitlines()]
    runs = [line["run"] for line in lines if "host" not in line]
    assert [(run["task"], run["hosts"]) for run in runs] == [("run", 2), ("run", 3), ("ping", 3)]
    web1 = next(line for line in lines if line.get("host") == "web1")
    assert web1["run"] == runs[0]["id"]
    assert web1["commands"][0]["stdout"] == "web1\n"
    assert web1["started"] is True
    assert 0 <= web1["start_s"] <= web1["end_s"]
    one = kept.type("history.export", "last").stdout.splitlines()
    assert [json.loads(line) for line in one] == lines[-4:]


def test_what_changed_is_shown_and_is_the_exit_code(kept: Project) -> None:
    ended = kept.type("diff", kept_id(kept, 1))
    assert ended.code == 2
    assert ended.stdout.splitlines()[-1] == "4 hosts: 3 changed, 1 the same"
    assert "web2: ok -> not in this run" in ended.stdout
    assert "r-denied: not in this run -> auth (login-refused)" in ended.stdout


def kept_id(where: Project, place: int) -> str:
    return where.type("history").stdout.splitlines()[place].split()[0]


def test_two_runs_are_compared_in_the_order_of_time(kept: Project) -> None:
    first, second = kept_id(kept, 2), kept_id(kept, 1)
    assert kept.type("diff", first, second).stdout == kept.type("diff", second, first).stdout


def test_the_same_twice_is_no_difference(demo: Project) -> None:
    for _ in range(2):
        demo.type("run", "hostname", "-g", "servers")
    ended = demo.type("diff")
    assert (ended.code, ended.stdout) == (0, "3 hosts: 0 changed, 3 the same\n")


def test_what_does_not_count_is_masked(demo: Project) -> None:
    for _ in range(2):
        demo.type("run", "show clock", "-g", "good")
    assert demo.type("diff").code == 2
    assert demo.type("diff", "--ignore", r"[\d:.]+ UTC.*").code == 0


def test_a_report_is_a_file_for_its_owner_alone(kept: Project) -> None:
    ended = kept.type("report", kept_id(kept, 1), "--html", "out.html", "--against", "before")
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr.startswith("out.html: ")
    file = kept.folder / "out.html"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text("utf-8")
    file.unlink()
    assert text.startswith("<!doctype html>")
    assert "Compared with" in text
    assert [path.name for path in kept.folder.iterdir() if path.name.startswith(".new")] == []


def test_a_report_goes_to_stdout_too(kept: Project) -> None:
    ended = kept.type("report", "--html", "-", "-q")
    assert ended.stdout.startswith("<!doctype html>")
    assert ended.stderr == ""


def test_a_page_goes_into_what_is_no_plain_file_and_through_a_link(kept: Project, tmp_path: Path) -> None:
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(target)
    with kept.start("report", "last", "--html", str(pipe)) as process:
        assert pipe.read_bytes().startswith(b"<!doctype html>")
        assert process.wait(60) == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert kept.type("report", "last", "--html", str(link)).code == 0
    assert link.is_symlink()
    assert target.read_bytes().startswith(b"<!doctype html>")
    assert kept.type("report", "last", "--html", "/dev/stdout").stdout.startswith("<!doctype html>")
