"""--output-dir: a file for each host, whatever the host is called."""

from __future__ import annotations

import os
import stat
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.models import CommandResult, HostResult, Status
from runner.report.files import OutputFolder, file_name, file_names

if TYPE_CHECKING:
    from pathlib import Path

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


def said(host: str, out: bytes = b"out\n", err: bytes = b"") -> HostResult:
    return HostResult(host, Status.OK, commands=(CommandResult("x", 0, out, err),))


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


@pytest.mark.parametrize("host", HOSTILE)
def test_what_a_host_said_is_in_its_folder_whatever_its_name(tmp_path: Path, host: str) -> None:
    OutputFolder(str(tmp_path / "out"), [host]).write(said(host, b"\xff\n", b"err\n"))
    (file,) = (tmp_path / "out").iterdir()
    assert file.read_bytes() == b"\xff\nerr\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_only_the_owner_may_read_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        OutputFolder(str(tmp_path / "deep" / "out"), ["r1"]).write(said("r1"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deep" / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "deep" / "out" / "r1").stat().st_mode) == 0o600


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("keep")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "r1").symlink_to(secret)
    OutputFolder(str(tmp_path / "out"), ["r1"]).write(said("r1"))
    assert secret.read_text() == "keep"
    assert (tmp_path / "out" / "r1").read_text() == "out\n"
    assert not (tmp_path / "out" / "r1").is_symlink()


def test_a_file_that_cannot_be_written_leaves_the_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    folder = OutputFolder(str(tmp_path), ["r1", "r2"])
    folder.write(said("r1", b"old\n"))
    (tmp_path / "r2").mkdir()
    with pytest.raises(OSError, match="directory"):
        folder.write(said("r2"))
    assert {path.name for path in tmp_path.iterdir()} == {"r1", "r2"}
    assert (tmp_path / "r1").read_text() == "old\n"


@pytest.mark.parametrize("path", ["/proc/x", "/dev/null", "a\0b", "~nobody-of-that-name/x", "x" * 300])
def test_a_folder_that_cannot_be_used_is_one_line_before_anything_runs(path: str) -> None:
    with pytest.raises(UsageError, match=r"^--output-dir .+: .+"):
        OutputFolder(path, ["r1"])
