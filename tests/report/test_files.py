"""--output-dir: a file for each host, whatever the host is called."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import string
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.inventory import load
from runner.models import CommandResult, HostResult, Run, Status
from runner.report.files import OutputFolder
from runner.text.file_names import file_name, file_names

HOSTILE = [
    "../../x",
    "/abs",
    "..",
    ".",
    ".hidden",
    "-rf",
    "a/b",
    "a\\b",
    "a\0b",
    "~root",
    "",
    "x" * 5000,
    "\ud800",
]


RUN = Run("20260102T030405-abcdef", "run", datetime(2026, 1, 2, tzinfo=UTC), ("x",))
DOWN = HostResult("r9", Status.UNREACHABLE, reason="no-route", error="no route")


def said(host: str, out: bytes = b"out\n", err: bytes = b"") -> HostResult:
    return HostResult(host, Status.OK, commands=(CommandResult("x", 0, out, err),))


def folder(path: Path, *hosts: str, run: Run = RUN) -> OutputFolder:
    return OutputFolder(str(path), run, hosts or ["r1"])


def index(path: Path) -> list[Any]:
    return [json.loads(line) for line in (path / "index.jsonl").read_text().splitlines()]


def host_files(path: Path) -> dict[str, bytes]:
    ours = ("index.jsonl", "failed.txt")
    return {file.name: file.read_bytes() for file in path.iterdir() if file.name not in ours}


@given(st.text())
def test_a_file_name_is_never_a_path_never_hidden_and_never_too_long(host: str) -> None:
    name = file_name(host)
    assert name
    assert set(name) <= set(string.ascii_letters + string.digits + "%_.-")
    assert name[0] not in ".-"
    assert not name.endswith(".")
    assert len(name) < 250


@given(st.lists(st.text(), unique=True, max_size=20))
def test_no_two_hosts_share_a_file_even_where_case_is_ignored(hosts: list[str]) -> None:
    names = file_names(hosts)
    assert len({name.casefold() for name in names.values()}) == len(hosts)


@pytest.mark.parametrize("host", ["r1", "web1.example.com", "10.0.0.1", "leaf_01"])
def test_a_name_that_is_safe_is_kept(host: str) -> None:
    assert file_name(host) == host


@pytest.mark.parametrize("host", ["CON", "nul.txt", "lpt1", "ends."])
def test_names_that_windows_keeps_for_itself_are_not_used(host: str) -> None:
    assert "%" in file_name(host)


def test_hosts_that_differ_in_case_alone_are_told_apart_whatever_their_order() -> None:
    assert file_names(["R1", "r1", "r2"]) == file_names(["r2", "r1", "R1"])
    assert file_names(["r1", "r2"]) == {"r1": "r1", "r2": "r2"}


def test_no_host_takes_the_place_of_the_index() -> None:
    assert file_name("index.jsonl") == "%69ndex.jsonl"
    assert file_name("FAILED.txt") == "%46AILED.txt"


@pytest.mark.parametrize("host", HOSTILE)
def test_what_a_host_said_is_in_its_folder_whatever_its_name(tmp_path: Path, host: str) -> None:
    folder(tmp_path / "out", host).write(said(host, b"\xff\n", b"err\n"))
    assert list(host_files(tmp_path / "out").values()) == [b"\xff\nerr\n"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_only_the_owner_may_read_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = folder(tmp_path / "deep" / "out")
        made.write(said("r1"))
        made.finish()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deep" / "out").stat().st_mode) == 0o700
    files = list((tmp_path / "deep" / "out").iterdir())
    assert {file.name for file in files} == {"r1", "index.jsonl", "failed.txt"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("keep")
    made = folder(tmp_path / "out")
    (tmp_path / "out" / "r1").symlink_to(secret)
    made.write(said("r1"))
    assert secret.read_text() == "keep"
    assert (tmp_path / "out" / "r1").read_text() == "out\n"
    assert not (tmp_path / "out" / "r1").is_symlink()


def test_a_link_in_the_place_of_the_index_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("keep")
    made = folder(tmp_path / "out")
    made.write(said("r1"))
    (tmp_path / "out" / "index.jsonl").unlink()
    (tmp_path / "out" / "index.jsonl").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic link"):
        made.write(said("r1"))
    assert secret.read_text() == "keep"


def test_a_file_that_cannot_be_written_leaves_the_others_and_nothing_else(tmp_path: Path) -> None:
    made = folder(tmp_path, "r1", "r2")
    made.write(said("r1", b"old\n"))
    (tmp_path / "r2").mkdir()
    with pytest.raises(OSError, match="directory"):
        made.write(said("r2"))
    assert {path.name for path in tmp_path.iterdir()} == {"index.jsonl", "r1", "r2"}
    assert (tmp_path / "r1").read_text() == "old\n"


def test_of_several_commands_each_stands_under_a_heading(tmp_path: Path) -> None:
    commands = tuple(CommandResult(name, 0, name.encode(), b"err\n") for name in ("a", "b\x1b[2J"))
    folder(tmp_path).write(HostResult("r1", Status.OK, commands=commands))
    assert host_files(tmp_path)["r1"] == b"$ a\naerr\n$ b\\x1b[2J\nb\x1b[2Jerr\n"


def test_the_index_begins_with_the_run_and_has_a_line_for_each_host_as_it_ends(tmp_path: Path) -> None:
    made = folder(tmp_path, "r1", "r9")
    made.write(said("r1"))
    made.write(DOWN)
    head, first, second = index(tmp_path)
    assert head["run"]["id"] == RUN.id
    assert first == {
        "host": "r1",
        "file": "r1",
        "status": "ok",
        "reason": None,
        "exit_codes": [0],
        "sha256": hashlib.sha256(b"out\n").hexdigest(),
    }
    assert (second["host"], second["file"], second["status"], second["sha256"]) == (
        "r9",
        None,
        "unreachable",
        None,
    )
    assert list(host_files(tmp_path)) == ["r1"]


def test_the_hosts_that_failed_are_a_pattern(tmp_path: Path) -> None:
    odd = ["!r1", "&r2", " r3 ", "r5", "ü6 x", "a:b", "*"]
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": dict.fromkeys(["r1", "r2", "r3", *odd])}}))
    made = folder(tmp_path / "out", *odd, "r1")
    for name in odd:
        made.write(HostResult(name, Status.FAILED))
    made.write(said("r1"))
    made.finish()
    loaded = load(f"yaml:{inventory}")
    assert set(loaded.names("all", f"@{tmp_path}/out/failed.txt")) == set(odd)


def test_a_run_that_was_refused_has_not_taken_the_folder(tmp_path: Path) -> None:
    folder(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    folder(tmp_path / "out", run=replace(RUN, id="other")).write(said("r1"))


def test_of_two_runs_at_once_the_first_has_the_folder(tmp_path: Path) -> None:
    first, second = folder(tmp_path), folder(tmp_path, run=replace(RUN, id="other"))
    first.write(said("r1", b"first\n"))
    for write in (lambda: second.write(said("r1", b"second\n")), second.finish):
        with pytest.raises(FileExistsError):
            write()
    assert host_files(tmp_path) == {"r1": b"first\n"}
    assert index(tmp_path)[0]["run"]["id"] == RUN.id


def test_a_folder_of_another_run_is_never_added_to(tmp_path: Path) -> None:
    folder(tmp_path / "out").write(said("r1"))
    with pytest.raises(
        UsageError, match=f"it holds the outputs of run {RUN.id}; name another, or '.*/{{run}}'"
    ):
        folder(tmp_path / "out", run=replace(RUN, id="other"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "r1").write_text("mine")
    with pytest.raises(UsageError, match="it is not empty"):
        folder(tmp_path / "notes")
    assert (tmp_path / "notes" / "r1").read_text() == "mine"
    folder(tmp_path / "out" / "{run}", run=replace(RUN, id="other")).finish()
    assert (tmp_path / "out" / "other" / "index.jsonl").exists()


def test_a_run_that_is_gone_on_with_goes_on_in_its_folder(tmp_path: Path) -> None:
    made = folder(tmp_path, "r1", "r2", "r9")
    made.write(said("r1"))
    made.write(DOWN)
    made.write(HostResult("r2", Status.CANCELLED))
    with (tmp_path / "index.jsonl").open("a") as file:
        file.write('{"host": "r2", "sta')  # the program was killed here
    again = folder(tmp_path, "r1", "r2", "r9")
    again.write(said("r2"))
    again.finish()
    assert [line.get("host") for line in index(tmp_path)] == [None, "r1", "r9", "r2", "r2"]
    assert (tmp_path / "failed.txt").read_text() == "r9\n"
    assert set(host_files(tmp_path)) == {"r1", "r2"}


@pytest.mark.parametrize("text", ["", "x", "[]\n", '{"run": 5}\n', "\xff\n"])
def test_what_is_no_index_of_ours_is_somebody_elses(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.jsonl").write_text(text, "latin-1")
    with pytest.raises(UsageError, match="it is not empty"):
        folder(tmp_path)
    assert (tmp_path / "index.jsonl").read_text("latin-1") == text


@pytest.mark.parametrize("path", ["/proc/x", "/dev/null", "a\0b", "~nobody-of-that-name/x", "x" * 300])
def test_a_folder_that_cannot_be_used_is_one_line_before_anything_runs(path: str) -> None:
    with pytest.raises(UsageError, match=r"^--output-dir .+: .+"):
        folder(Path(path))
