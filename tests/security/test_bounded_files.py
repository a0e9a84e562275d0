"""No file that an inventory, a folder or a flag names is waited for, or read without end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.text import reading
from tests.connection.sshd import required_program
from tests.projects import PROGRAMS, Ended, Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connection.sshd import Sshd

GIBIBYTE = 2**30
AT_MOST = 5 * 2**29
"""Bytes of address space that the program may take, most of it for the stacks of its threads."""


def fifo(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * GIBIBYTE)


ENDLESS: dict[str, Callable[[Path], None]] = {"fifo": fifo, "/dev/zero": zeros, "sparse": sparse}


@pytest.fixture(params=ENDLESS)
def endless(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "endless"
    ENDLESS[request.param](path)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Project:
    made = Project(tmp_path / "place")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def small(place: Project, *words: str) -> Ended:
    """Run a program in little memory: one that reads an endless file fails."""
    code = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({AT_MOST}, {AT_MOST}))"
    wrapper = [sys.executable, "-c", f"{code}; import os, sys; os.execv(sys.argv[1], sys.argv[1:])"]
    done = subprocess.run(
        [*wrapper, *PROGRAMS["invoke"], *words],
        cwd=place.folder,
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ("-i", "{}"),
        ("-i", "127.0.0.1,", "--limit", "@{}"),
        ("-i", "127.0.0.1,", "--vault-password-file", "{}"),
        ("-i", "127.0.0.1,", "--ssh-config", "{}"),
        ("-i", "127.0.0.1,", "--private-key", "{}"),
        ("-i", "127.0.0.1,", "--known-hosts", "{}"),
    ],
    ids=lambda words: words[-2],
)
def test_files_that_flags_name(place: Project, endless: Path, words: tuple[str, ...]) -> None:
    given = [word.replace("{}", str(endless)) for word in words]
    ended = small(place, "run", "--cmd", "true", "--no-ping", "--retries", "0", *given)
    assert ended.code in (1, 2, 4)
    assert ended.stdout + ended.stderr


@pytest.mark.parametrize("words", [("script", "{}"), ("run", "--cmd", "cat", "--stdin", "{}")])
def test_files_that_are_sent(place: Project, endless: Path, words: tuple[str, ...]) -> None:
    given = [word.replace("{}", str(endless)) for word in words]
    ended = small(place, *given, "-i", "127.0.0.1,", "--no-ping")
    assert ended.code == 1
    assert "not a regular file" in ended.stderr or "more than" in ended.stderr or "larger" in ended.stderr


@pytest.mark.slow
def test_an_index_of_outputs(place: Project, endless: Path) -> None:
    (place.folder / "out").mkdir()
    endless.rename(place.folder / "out" / "index.jsonl")
    ended = small(place, "run", "--cmd", "true", "-i", "127.0.0.1,", "--output-dir", "out", "--no-ping")
    assert ended.code == 1
    assert "--output-dir 'out'" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
@pytest.mark.parametrize(
    "option", ["RevokedHostKeys", "UserKnownHostsFile", "IdentityFile", "CertificateFile"]
)
def test_files_that_an_inventory_names(
    place: Project, sshd: Sshd, endless: Path, option: str, connection: str
) -> None:
    if connection == "openssh":
        required_program("ssh")
    place.write("known", f"[127.0.0.1]:{sshd.port} {sshd.public_key('ed25519')}\n")
    place.write(
        "invoke.yaml", "runner: {known_hosts: known, ssh_config: none, no_history: yes, retries: 0}\n"
    )
    place.write(
        "hosts",
        f"there ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user={sshd.user} "
        f"ansible_connection={connection} ansible_ssh_common_args='-o {option}={endless}'\n"
        f"other ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user={sshd.user}\n",
    )
    key = str(sshd.key)
    words = ("run", "--cmd", "true", "-i", "hosts", "--no-ping", "--format", "json", "--private-key", key)
    hosts = small(place, *words, "--timeout-total", "45").document["hosts"]

    assert hosts["other"]["status"] == "ok", hosts
    assert hosts["there"]["status"] not in ("timeout", "lost", "cancelled"), hosts
    if option == "RevokedHostKeys":
        assert hosts["there"]["status"] in ("hostkey", "error")
        assert "regular file" in hosts["there"]["error"] or "larger" in hosts["there"]["error"]


def test_a_few_bytes_that_stand_for_very_many_values(place: Project) -> None:
    text = "runner: {}\na0: &a0 {x: 1}\n"
    text += "".join(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}\n" for n in range(1, 40))
    place.write("invoke.yaml", text)
    for program in ("invoke", "runner"):
        ended = place.type("ping", "-i", "127.0.0.1,", program=program)
        assert (ended.code, ended.stdout) == (1, ""), program
        assert ended.stderr.count("\n") == 1
        assert "invoke.yaml: its aliases expand to more than 100,000 values" in ended.stderr

    place.write("invoke.yaml", "runner: &a\n  shuffle: yes\nself: &b [*a, *b]\n")
    assert "aliases" in place.type("ping", "-i", "127.0.0.1,").stderr
    place.write("invoke.yaml", "shared: &a {user: me}\nrunner: *a\n")
    assert "me" in place.type("settings").stdout


def test_a_script_reads_the_same_configuration(place: Project) -> None:
    text = "a0: &a0 {x: 1}\n"
    text += "".join(f"a{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}}}\n" for n in range(1, 40))
    place.write("invoke.yaml", text)
    done = subprocess.run(
        [sys.executable, "-c", "import runner; runner.load('127.0.0.1,')"],
        cwd=place.folder,
        env=place.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr.splitlines()[-1].startswith("runner.errors.UsageError: ")


@pytest.mark.parametrize("make", [fifo, zeros])
def test_a_configuration_that_is_no_file(place: Project, make: Callable[[Path], None]) -> None:
    make(place.folder / "invoke.yaml")
    ended = place.type("ping", "-i", "127.0.0.1,")
    assert ended.code == 1
    assert ended.stderr == f"{place.folder / 'invoke.yaml'}: cannot be read: not a regular file\n"


def test_what_a_shell_prints_is_still_read(place: Project) -> None:
    ways = {
        "-i <(echo from-shell)": "from-shell",
        "-i /dev/stdin <<< from-stdin": "from-stdin",
        "-i a,b,c, --limit @<(echo b)": '"b"',
    }
    for words, expected in ways.items():
        done = subprocess.run(
            ["bash", "-c", f'"$@" inventory --list {words}', "bash", *PROGRAMS["invoke"]],
            cwd=place.folder,
            env=place.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_the_reader_itself(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert reading.contents(path, 100) == b"x" * 100
    with pytest.raises(OSError, match="larger than the limit of 99 bytes"):
        reading.contents(path, 99)
    assert reading.beginning(path, 10) == b"x" * 10
    assert reading.contents("/dev/null", 10) == b""
    with pytest.raises(OSError, match="not a regular file"):
        reading.contents("/dev/tty" if Path("/dev/tty").exists() and os.isatty(0) else "/dev/zero", 10)
    with pytest.raises(IsADirectoryError):
        reading.contents(tmp_path, 10)
    reader, writer = os.pipe()
    with pytest.raises(TimeoutError):
        reading.contents(f"/dev/fd/{reader}", 10, pipes=True, pipe_s=0.1)
    os.write(writer, b"in time")
    os.close(writer)
    assert reading.contents(f"/dev/fd/{reader}", 10, pipes=True, pipe_s=10) == b"in time"
    os.close(reader)
