"""SFTP on a server: files in memory that its shell sees too, and nothing of the real file system."""

from __future__ import annotations

import asyncio
import inspect
import stat
from typing import TYPE_CHECKING

import asyncssh
import pytest

from runner.demo.linux.sftp import MachineFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import paramiko

    from runner.demo import Fleet
    from tests.demo.clients import Answer


@pytest.fixture
def sftp(log_in: Callable[[str], paramiko.SSHClient]) -> Iterator[paramiko.SFTPClient]:
    with log_in("web1") as client, client.open_sftp() as session:
        session.get_channel().settimeout(20)
        yield session


def test_an_uploaded_file_is_there_for_the_shell_and_comes_back_unchanged(
    sftp: paramiko.SFTPClient, ask: Callable[..., Answer], tmp_path: Path
) -> None:
    content = bytes(range(256)) * 2000
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(content)
    assert sftp.put(str(source), "upload.bin").st_size == len(content)
    assert "upload.bin" in ask("web1", "ls").stdout.split()
    sftp.get("/home/demo/upload.bin", str(copy))
    assert copy.read_bytes() == content


def test_other_servers_do_not_see_the_file(sftp: paramiko.SFTPClient, ask: Callable[..., Answer]) -> None:
    with sftp.open("/tmp/flag", "w") as file:
        file.write(b"x")
    assert ask("web1", "cat /tmp/flag").stdout == "x"
    assert ask("web2", "cat /tmp/flag").exit_code == 1


def test_files_are_appended_to_emptied_renamed_and_removed(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("log", "w") as file:
        file.write(b"one\n")
    with sftp.open("log", "a") as file:
        file.write(b"two\n")
    with sftp.open("log") as file:
        assert file.read() == b"one\ntwo\n"
        assert file.stat().st_size == 8
    with sftp.open("log", "w"):
        pass
    assert sftp.stat("log").st_size == 0
    sftp.rename("log", "old")
    sftp.posix_rename("old", "notes.txt")
    assert sftp.listdir(".") == [".profile", "notes.txt"]
    sftp.remove("notes.txt")
    with pytest.raises(FileNotFoundError):
        sftp.stat("notes.txt")


def test_directories_are_made_listed_and_removed_when_empty(sftp: paramiko.SFTPClient) -> None:
    sftp.mkdir("site")
    with sftp.open("site/index.html", "w") as file:
        file.write(b"hello")
    (entry,) = sftp.listdir_attr("site")
    assert (entry.filename, entry.st_size) == ("index.html", 5)
    assert stat.S_ISREG(entry.st_mode)
    assert stat.S_ISDIR(sftp.stat("site").st_mode)
    with pytest.raises(OSError, match="not empty"):
        sftp.rmdir("site")
    sftp.remove("site/index.html")
    sftp.rmdir("site")
    with pytest.raises(FileNotFoundError):
        sftp.listdir("site")


def test_a_write_behind_the_end_leaves_zeros_between(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("gap", "w") as file:
        file.seek(4)
        file.write(b"end")
    with sftp.open("gap") as file:
        assert file.read() == b"\0\0\0\0end"


@pytest.mark.parametrize("path", ["/etc/hostname", "/etc/new", "/home/demo", "/tmp/../etc/motd", "/"])
def test_only_home_and_tmp_may_be_changed(sftp: paramiko.SFTPClient, path: str) -> None:
    with pytest.raises(PermissionError):
        sftp.open(path, "w")


@pytest.mark.parametrize("path", ["nope", "nope/below", "/tmp/no/such/folder"])
def test_what_is_not_there_is_missing(sftp: paramiko.SFTPClient, path: str) -> None:
    with pytest.raises(FileNotFoundError):
        sftp.open(path)
    with pytest.raises(FileNotFoundError):
        sftp.remove(path)


def test_a_name_in_use_is_in_the_way(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("new", "x"):
        pass
    with pytest.raises(OSError, match="exists"):
        sftp.open("new", "x")
    with pytest.raises(OSError, match="exists"):
        sftp.rename("new", "notes.txt")
    with pytest.raises(OSError, match="exists"):
        sftp.mkdir("/tmp")


def test_a_server_is_full_before_the_memory_is(sftp: paramiko.SFTPClient) -> None:
    with sftp.open("huge", "w") as file:
        file.seek(2**40)
        with pytest.raises(OSError, match="No space left"):
            file.write(b"x")


def test_the_real_file_system_is_out_of_reach(sftp: paramiko.SFTPClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("real")
    for attempt in (
        lambda: sftp.open(str(secret)),
        lambda: sftp.symlink(str(secret), str(tmp_path / "link")),
        lambda: sftp.readlink(str(secret)),
        lambda: sftp.remove(str(secret)),
        lambda: sftp.mkdir(str(tmp_path / "folder")),
        lambda: sftp.rename(str(secret), "/tmp/secret"),
        lambda: sftp.chmod(str(secret), 0o777),
    ):
        with pytest.raises(OSError, match=r".+"):
            attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert secret.read_text() == "real"


def test_every_operation_of_asyncssh_that_takes_a_path_is_ours_or_refuses() -> None:
    safe_by_themselves = {
        *("map_path", "reverse_map_path", "convert_attrs", "exit"),
        *("format_user", "format_group", "format_longname"),
    }
    theirs = {
        name
        for name, method in inspect.getmembers(asyncssh.SFTPServer, inspect.isfunction)
        if not name.startswith("_") and name not in vars(MachineFiles)
    }
    for name in theirs - safe_by_themselves:
        source = inspect.getsource(getattr(asyncssh.SFTPServer, name))
        takes_handle = "file_obj" in inspect.signature(getattr(asyncssh.SFTPServer, name)).parameters
        assert "self.map_path(" in source or takes_handle, name


def test_a_router_has_no_sftp(log_in: Callable[[str], paramiko.SSHClient]) -> None:
    with log_in("r1") as client, pytest.raises(Exception, match=r"EOF|closed"):
        client.open_sftp()


def test_a_modern_client_copies_a_tree(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "tree" / "below").mkdir(parents=True)
    (tmp_path / "tree" / "below" / "leaf").write_text("leaf")

    async def copy() -> str:
        place = fleet.endpoint("db1")
        async with (
            asyncssh.connect(
                place.address, place.port, username="demo", password="demo", known_hosts=None, config=None
            ) as connection,
            connection.start_sftp_client() as session,
        ):
            await session.put(tmp_path / "tree", "/tmp", recurse=True, preserve=True)
            return (await connection.run("cat /tmp/tree/below/leaf")).stdout

    assert asyncio.run(copy()) == "leaf"
