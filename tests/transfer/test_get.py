"""Files from a real OpenSSH server: one folder a host, whatever the host is called."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from runner.jobs.transfers import TransferJob
from runner.models import Status
from runner.transfer.copying import Options
from runner.transfer.moves import Get

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transfer.conftest import Move

CONTENT = os.urandom(2 * 2**20 + 5)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def source(there: Path) -> Path:
    path = there / "log"
    path.write_bytes(CONTENT)
    path.chmod(0o644)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def test_a_file_comes_to_the_hosts_own_folder_for_its_owner_alone(
    move: Move, source: Path, tmp_path: Path
) -> None:
    result = move(Get(str(source), str(tmp_path / "out")), host="web1")

    assert result.status is Status.OK
    assert not result.sent
    assert result.stdout.startswith("got 2,097,157 bytes, sha256 ")
    copy = tmp_path / "out" / "web1" / "log"
    assert copy.read_bytes() == CONTENT
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert copy.stat().st_mtime == 1_600_000_000
    assert listed(copy.parent) == ["log"]


def test_what_is_equal_is_not_fetched(move: Move, source: Path, tmp_path: Path) -> None:
    move(Get(str(source), str(tmp_path)))

    assert move(Get(str(source), str(tmp_path))).stdout.startswith("equal, not fetched")


def test_what_is_here_is_replaced_at_one_stroke(move: Move, source: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "log").write_text("earlier")

    assert move(Get(str(source), str(tmp_path))).ok
    assert (tmp_path / "real" / "log").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/passwd", "..", ".", "con", "a/b", "-rf", "a\nb", "x" * 300]
)
def test_no_name_of_a_host_leads_out_of_the_folder(
    move: Move, source: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "deep" / "out"

    assert move(Get(str(source), str(out)), host=name).ok
    (folder,) = out.iterdir()
    assert (folder / "log").read_bytes() == CONTENT
    assert listed(tmp_path) == ["deep"]
    assert listed(tmp_path / "deep") == ["out"]


def test_hosts_whose_names_differ_in_case_alone_get_folders_that_differ_in_more() -> None:
    job = TransferJob(Get("/etc/motd", "out")).fitted(["web", "Web", "db"])

    assert isinstance(job.transfer, Get)
    folders = [job.transfer.names.get(host, host).casefold() for host in ("web", "Web", "db")]
    assert len(set(folders)) == 3
    assert folders[2] == "db"


def test_a_folder_comes_with_all_that_is_in_it(move: Move, there: Path, tmp_path: Path) -> None:
    (there / "conf" / "sub").mkdir(parents=True)
    (there / "conf" / "empty").mkdir()
    (there / "conf" / "a").write_text("a")
    (there / "conf" / "sub" / "b").write_text("b")
    (there / "conf" / "link").symlink_to("a")
    result = move(Get(f"{there}/conf/", str(tmp_path)))

    assert result.stdout == "got 3 files, 3 bytes\n"
    copy = tmp_path / "real" / "conf"
    assert sorted(str(path.relative_to(copy)) for path in copy.rglob("*")) == [
        "a",
        "empty",
        "link",
        "sub",
        "sub/b",
    ]
    assert not (copy / "link").is_symlink()


def test_a_loop_of_links_is_refused_by_name(move: Move, there: Path, tmp_path: Path) -> None:
    (there / "loop").symlink_to(".")
    result = move(Get(str(there), str(tmp_path / "out")))

    assert (result.status, result.reason) == (Status.FAILED, "special-file")
    assert "loop" in (result.error or "")
    assert not (tmp_path / "out").exists()


def test_a_file_without_a_size_is_read_to_its_end(move: Move, tmp_path: Path) -> None:
    result = move(Get("/proc/cpuinfo", str(tmp_path), Options(checksum=False, private=True)))

    assert result.ok
    assert b"processor" in (tmp_path / "real" / "cpuinfo").read_bytes()


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nowhere", "no-such-file"), ("/etc/shadow", "permission-denied"), ("/dev/zero", "special-file")],
)
def test_what_cannot_be_had_is_told_and_leaves_nothing(
    move: Move, tmp_path: Path, path: str, reason: str
) -> None:
    result = move(Get(path, str(tmp_path / "out")))

    assert (result.status, result.reason) == (Status.FAILED, reason)
    assert path in (result.error or "")
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]


def test_more_than_is_allowed_is_not_fetched(move: Move, source: Path, tmp_path: Path) -> None:
    result = move(Get(str(source), str(tmp_path), Options(max_size=1000, private=True)))

    assert (result.status, result.reason) == (Status.ERROR, "size-limit")
    assert "--max-size" in (result.error or "")
    assert list((tmp_path / "real").iterdir()) == []


def test_a_folder_here_that_cannot_be_written_to_is_this_machines_fault(move: Move, source: Path) -> None:
    result = move(Get(str(source), "/proc/none"))

    assert result.status is Status.ERROR
    assert (result.reason or "").startswith("local-")
    assert "on this machine" in (result.error or "")
