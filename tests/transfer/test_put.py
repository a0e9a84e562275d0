"""Files to a real OpenSSH server: what arrives, what is not sent twice, what is refused and left behind."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from runner.models import Phase, Status
from runner.transfer.copying import Options
from runner.transfer.moves import Put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.sshd import Sshd
    from tests.transfer.conftest import Move

CONTENT = os.urandom(3 * 2**20 + 17)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "image.bin"
    path.write_bytes(CONTENT)
    path.chmod(0o640)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "a" / "b").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a" / "x").write_text("x")
    (root / "a" / "b" / "y").write_bytes(b"y" * 300_000)
    (root / "none").touch()
    (root / "a" / "link").symlink_to("x")
    return root


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_arrives_with_its_mode_and_time(move: Move, source: Path, there: Path) -> None:
    result = move(Put(str(source), f"{there}/copy"))

    assert result.status is Status.OK
    assert result.sent
    (told,) = result.commands
    assert told.command == f"put {source} {there}/copy"
    assert told.exit_code == 0
    assert told.stdout == f"sent 3,145,745 bytes, sha256 {hashlib.sha256(CONTENT).hexdigest()}\n"
    assert (there / "copy").read_bytes() == CONTENT
    assert mode(there / "copy") == 0o640
    assert (there / "copy").stat().st_mtime == 1_600_000_000
    assert listed(there) == ["copy"]


def test_what_is_equal_is_not_sent(move: Move, source: Path, there: Path) -> None:
    move(Put(str(source), f"{there}/copy"))
    inode = (there / "copy").stat().st_ino
    again = move(Put(str(source), f"{there}/copy"))

    assert again.stdout.startswith("equal, not sent: 3,145,745 bytes, sha256 ")
    assert not again.sent
    assert (there / "copy").stat().st_ino == inode


def test_what_differs_in_one_byte_is_sent(move: Move, source: Path, there: Path) -> None:
    (there / "copy").write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))

    assert move(Put(str(source), f"{there}/copy")).stdout.startswith("sent ")
    assert (there / "copy").read_bytes() == CONTENT


def test_without_checksums_it_is_sent_anyhow(move: Move, source: Path, there: Path) -> None:
    move(Put(str(source), f"{there}/copy"))

    result = move(Put(str(source), f"{there}/copy", Options(checksum=False)))
    assert result.stdout == "sent 3,145,745 bytes\n"


@pytest.mark.parametrize("destination", ["{}", "{}/"])
def test_into_a_folder_goes_a_file_by_its_own_name(
    move: Move, source: Path, there: Path, destination: str
) -> None:
    move(Put(str(source), destination.format(there)))

    assert (there / "image.bin").read_bytes() == CONTENT


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give an account a home folder of its own")
def test_a_relative_path_begins_in_the_home_folder(move: Move, sshd: Sshd, source: Path) -> None:
    for destination in ("relative.bin", "~/tilde.bin"):
        assert move(Put(str(source), destination)).ok

    assert (sshd.home / "relative.bin").read_bytes() == CONTENT
    assert (sshd.home / "tilde.bin").read_bytes() == CONTENT


def test_a_mode_that_is_asked_for_is_given_to_equal_files_too(move: Move, source: Path, there: Path) -> None:
    move(Put(str(source), f"{there}/copy", Options(mode=0o755)))
    assert mode(there / "copy") == 0o755

    again = move(Put(str(source), f"{there}/copy", Options(mode=0o600)))
    assert again.stdout.startswith("equal")
    assert mode(there / "copy") == 0o600


def test_a_file_that_is_replaced_keeps_its_mode(move: Move, source: Path, there: Path) -> None:
    move(Put(str(source), f"{there}/copy", Options(mode=0o600)))
    source.write_bytes(b"other")

    assert move(Put(str(source), f"{there}/copy")).ok
    assert mode(there / "copy") == 0o600


def test_a_link_on_the_host_stays_one(move: Move, source: Path, there: Path) -> None:
    (there / "real").mkdir()
    (there / "real").chmod(0o777)
    (there / "real" / "file").write_text("old")
    (there / "link").symlink_to("real/file")

    assert move(Put(str(source), f"{there}/link")).ok
    assert (there / "link").is_symlink()
    assert (there / "real" / "file").read_bytes() == CONTENT


def test_an_empty_file_and_an_odd_name_arrive(move: Move, tmp_path: Path, there: Path) -> None:
    name = "-a b'c\"$(id)\n\\\x1b[2J\udcff"
    (tmp_path / name).touch()

    assert move(Put(str(tmp_path / name), f"{there}/")).ok
    assert move(Put(str(tmp_path / name), f"{there}/")).stdout.startswith("equal")
    assert listed(there) == [name]


def test_a_folder_arrives_with_all_that_is_in_it(move: Move, tree: Path, there: Path) -> None:
    result = move(Put(str(tree), f"{there}/copy"))

    assert result.stdout == "sent 4 files, 300,002 bytes\n"
    found = sorted(str(path.relative_to(there / "copy")) for path in (there / "copy").rglob("*"))
    assert found == ["a", "a/b", "a/b/y", "a/link", "a/x", "empty", "none"]
    assert not (there / "copy" / "a" / "link").is_symlink()
    assert (there / "copy" / "a" / "b" / "y").read_bytes() == b"y" * 300_000


def test_a_folder_may_be_sent_again_and_only_what_differs_is_sent(
    move: Move, tree: Path, there: Path
) -> None:
    move(Put(str(tree), f"{there}/copy"))
    (tree / "a" / "x").write_text("z")
    (there / "copy" / "foreign").touch()
    result = move(Put(str(tree), f"{there}/copy"))

    assert result.stdout == "sent 2 files, 2 bytes; 2 equal, not sent\n"
    assert (there / "copy" / "a" / "x").read_text() == "z"
    assert (there / "copy" / "foreign").exists()


def test_hundreds_of_files_arrive(move: Move, tmp_path: Path, there: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(300):
        (many / f"f{number}").write_text(str(number))

    assert move(Put(str(many), f"{there}/many")).stdout.startswith("sent 300 files")
    assert {path.name: path.read_text() for path in (there / "many").iterdir()} == {
        f"f{number}": str(number) for number in range(300)
    }
    assert move(Put(str(many), f"{there}/many")).stdout.startswith("equal, not sent: 300 files, ")


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder link", "dangling link"])
def test_what_is_no_file_is_refused_by_name_before_anything_is_sent(
    move: Move, tree: Path, there: Path, kind: str
) -> None:
    odd = tree / "odd"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(odd))
    else:
        odd.symlink_to("a" if kind == "folder link" else "nowhere")
    result = move(Put(str(tree), f"{there}/copy"))

    assert (result.status, result.reason, result.sent) == (Status.FAILED, "special-file", False)
    assert str(odd) in (result.error or "")
    assert listed(there) == []


def test_no_such_folder_on_the_host(move: Move, source: Path, there: Path) -> None:
    result = move(Put(str(source), f"{there}/none/copy"))

    assert (result.status, result.reason) == (Status.FAILED, "no-such-file")
    assert result.phase is Phase.TRANSFER
    assert result.error == f"{there}/none/copy: no such file or folder"


def test_a_folder_that_may_not_be_written_to(move: Move, source: Path, there: Path) -> None:
    there.chmod(0o555)
    result = move(Put(str(source), f"{there}/copy"))

    assert (result.status, result.reason) == (Status.FAILED, "permission-denied")
    assert listed(there) == []


def test_a_file_is_never_put_in_the_place_of_a_folder(move: Move, tree: Path, there: Path) -> None:
    (there / "copy").mkdir()
    (there / "copy").chmod(0o777)
    (there / "copy" / "none").mkdir()
    result = move(Put(str(tree), f"{there}/copy"))

    assert (result.status, result.reason) == (Status.FAILED, "is-a-folder")


def test_a_folder_is_never_put_in_the_place_of_a_file(move: Move, tree: Path, there: Path) -> None:
    (there / "copy").touch()
    result = move(Put(str(tree), f"{there}/copy"))

    assert (result.status, result.reason) == (Status.FAILED, "not-a-folder")


def test_a_source_that_is_not_there(move: Move, tmp_path: Path, there: Path) -> None:
    result = move(Put(str(tmp_path / "none"), str(there)))

    assert (result.reason, result.sent) == ("no-such-file", False)
