"""`invoke put`, `get` and `script` as they are typed, over the demo fleet's servers."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project


@pytest.fixture
def files(demo: Project) -> Project:
    demo.write("app.conf", "hello\n" * 1000)
    demo.write("site/a", "a")
    demo.write("site/b/c", "c")
    return demo


def test_a_file_goes_to_every_host_once(files: Project) -> None:
    first = files.type("put", "app.conf", "/tmp/app.conf", "-g", "servers", "--format", "text")
    again = files.type("put", "app.conf", "/tmp/app.conf", "-g", "servers", "--format", "text")

    assert (first.code, again.code) == (0, 0)
    assert first.stdout.count("sent 6,000 bytes, sha256 ") == 3
    assert again.stdout.count("equal, not sent: 6,000 bytes, sha256 ") == 3


def test_files_of_every_host_come_to_folders_of_their_own(files: Project) -> None:
    done = files.type("get", "/etc/hostname", "fetched", "-g", "servers")

    assert done.code == 0
    assert sorted(path.name for path in (files.folder / "fetched").iterdir()) == ["db1", "web1", "web2"]
    copy = files.folder / "fetched" / "web2" / "hostname"
    assert copy.read_text().strip() == "web2"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_without_a_destination_they_come_to_this_folder(files: Project) -> None:
    assert files.type("get", "/etc/hostname", "-g", "web1").code == 0
    assert (files.folder / "web1" / "hostname").exists()


def test_a_folder_goes_and_comes_back(files: Project) -> None:
    assert files.type("put", "site", "/tmp/site", "-g", "web1").code == 0
    assert files.type("get", "/tmp/site", "--destination", "back", "-g", "web1").code == 0
    assert (files.folder / "back" / "web1" / "site" / "b" / "c").read_text() == "c"


def test_a_transfer_is_a_command_in_the_document(files: Project) -> None:
    done = files.type("put", "app.conf", "/tmp/x", "-g", "web1", "--format", "json")
    host = done.document["hosts"]["web1"]

    assert done.document["run"]["commands"] == ["put app.conf /tmp/x"]
    assert (host["status"], host["sent"]) == ("ok", True)
    assert host["commands"][0]["command"] == "put app.conf /tmp/x"
    assert host["commands"][0]["exit_code"] == 0


def test_what_a_host_refuses_is_its_failure(files: Project) -> None:
    done = files.type("put", "app.conf", "/nowhere/x", "-g", "servers")

    assert done.code == 2
    assert "/nowhere/x: " in done.stdout


def test_a_script_must_be_one_that_a_host_can_run(files: Project) -> None:
    files.write("win.sh", "#!/bin/sh\r\necho x\r\n")
    done = files.type("script", "win.sh", "-g", "web1")

    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith("script: win.sh: the first line has a Windows line end")


def test_a_dry_run_moves_nothing(files: Project) -> None:
    done = files.type("put", "app.conf", "/tmp/dry", "-g", "web1", "--dry-run")

    assert done.code == 0
    assert "would be sent: put app.conf /tmp/dry" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("put",), "put: no source: invoke put app.conf /etc/app/"),
        (("put", "app.conf"), "put: no destination: invoke put app.conf /etc/app/"),
        (("put", "none", "/tmp/x"), "none: no such file or folder"),
        (("put", "--source", "a", "--source", "b", "--destination", "c"), "put: more than one source: a, b"),
        (("put", "app.conf", "/tmp/x", "--mode", "9"), "put: --mode '9': expected octal digits"),
        (("get",), "get: no source: invoke get /etc/hostname fetched/"),
        (("get", "/x", "--max-size", "x"), "get: --max-size 'x': expected a size"),
        (("script",), "script: no script: invoke script deploy.sh -- --now"),
        (("script", "none.sh"), "script: none.sh: No such file or directory"),
        (("put", "app.conf", "/tmp/x", "--mod", "644"), "did you mean --mode"),
    ],
)
def test_a_mistake_is_one_line(files: Project, words: tuple[str, ...], says: str) -> None:
    done = files.type(*words)

    assert (done.code, done.stdout) == (1, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
