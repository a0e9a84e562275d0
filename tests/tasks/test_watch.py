"""`watch`: rounds of commands over real servers, that stay connected, go down and come back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import UsageError
from runner.report.command_watch import check_format
from tests.connection.sshd import serving, temporary_sshd
from tests.projects import PROGRAMS, Project
from tests.tasks.test_signals import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.sshd import Sshd

HOSTS = ("a", "b", "c")


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with a_server() as server:
        yield server


@contextmanager
def a_server() -> Iterator[Sshd]:
    with temporary_sshd() as server:
        yield server


@pytest.fixture
def real(sshd: Sshd, tmp_path: Path) -> Project:
    """A project with three names for one OpenSSH server."""
    return over(sshd, tmp_path)


def over(sshd: Sshd, folder: Path) -> Project:
    made = Project(folder / "project")
    place = {"ansible_host": sshd.address, "ansible_port": sshd.port}
    login = {"ansible_user": sshd.user, "ansible_ssh_private_key_file": str(sshd.key)}
    made.write("hosts.yml", json.dumps({"all": {"hosts": dict.fromkeys(HOSTS, place), "vars": login}}))
    made.write("tasks.py", "from runner.tasks import namespace\n")
    settings = {"inventory": "hosts.yml", "known_hosts": str(sshd.known_hosts), "ssh_config": "none"}
    made.write("invoke.yaml", json.dumps({"runner": settings}))
    return made


def logins(sshd: Sshd) -> int:
    return sshd.log.count("Accepted publickey")


@contextmanager
def watching(project: Project, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with project.start("watch", *words) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr is not None else ""
    found: dict[str, Any] = json.loads(line)
    return found


def end_sessions(sshd: Sshd) -> None:
    """End every process that the server has started for somebody who is logged in."""
    ended = {int((sshd.folder / "sshd.pid").read_text())}
    parents = {int(path.name): parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    while new := {pid for pid, ppid in parents.items() if ppid in ended} - ended:
        ended |= new
        for pid in new:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def parent(process: Path) -> int:
    with suppress(OSError):
        return int(re.findall(r"PPid:\s+(\d+)", (process / "status").read_text())[0])
    return 0


@pytest.mark.parametrize("executor", ["serial", "thread"])
def test_each_host_is_logged_in_to_once_whatever_the_number_of_rounds(
    sshd: Sshd, real: Project, executor: str
) -> None:
    before = logins(sshd)
    done = real.type("watch", "echo $PPID", "--count", "3", "--interval", "10ms", "--executor", executor)
    assert (done.code, done.stderr) == (0, "")
    assert "3 hosts: 3 ok" in done.stdout
    assert "changed" not in done.stdout, "another session has another parent"
    assert logins(sshd) == before + 3


def test_no_more_are_kept_than_files_may_be_open(sshd: Sshd, real: Project) -> None:
    before = logins(sshd)
    few = 'ulimit -n 64 && exec "$@"'
    words = (*PROGRAMS["invoke"], "watch", "echo up", "--count", "3", "--interval", "10ms")
    done = subprocess.run(
        ["/bin/sh", "-c", few, "sh", *words],
        cwd=real.folder,
        env=real.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 hosts: 3 ok" in done.stdout
    assert before + 3 < logins(sshd) <= before + 9


def test_workers_in_other_processes_keep_no_connections(sshd: Sshd, real: Project) -> None:
    before = logins(sshd)
    done = real.type("watch", "echo up", "--count", "2", "--interval", "10ms", "--executor", "process")
    assert done.code == 0
    assert logins(sshd) == before + 6


def test_a_server_that_is_killed_and_comes_back_is_shown_as_both(tmp_path: Path) -> None:
    words = ("echo up", "-g", "a", "--interval", "100ms", "--format", "jsonl")
    with a_server() as sshd, watching(over(sshd, tmp_path), *words) as process:
        first = next_line(process)
        assert (first["host"], first["from"], first["to"]) == ("a", None, "ok")
        server = int((sshd.folder / "sshd.pid").read_text())
        os.kill(server, signal.SIGSTOP)  # it must not start another session
        end_sessions(sshd)
        os.kill(server, signal.SIGKILL)
        down = next_line(process)
        while down["to"] != "unreachable":  # a command may have been under way, or a login
            assert down["to"] in ("ok", "lost"), down
            down = next_line(process)
        assert down["reason"] == "port-closed"
        with serving(sshd):
            back = next_line(process)
            assert (back["from"], back["to"], back["diff"]) == ("unreachable", "ok", [])
            assert back["lasted_s"] > 0
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    end = json.loads(stdout.splitlines()[-1])
    assert end["summary"]["ok"] == 1
    assert end["rounds"] >= 3
    assert b"Traceback" not in stderr


def test_what_changes_is_shown_and_nothing_else(sshd: Sshd, real: Project) -> None:
    counter = sshd.folder / "rounds"
    counter.touch()
    counter.chmod(0o666)
    command = f"echo steady; echo x >> {counter}; test $(wc -l < {counter}) -lt 3 || echo new"
    done = real.type("watch", command, "-g", "a", "--count", "4", "--interval", "10ms")
    assert done.code == 0
    lines = [re.sub(r"^\d\d:\d\d:\d\d", "TIME", line) for line in done.stdout.splitlines()]
    assert lines[:2] == ["a: ok", "  steady"]
    assert lines[3:-1] == [
        "",
        "TIME  round 3: 1 of 1 hosts changed",
        "a: ok, says something else",
        "  @@",
        "   steady",
        "  +new",
        "",
    ]
    assert lines[-1].endswith(", 4 rounds")


def test_a_round_that_takes_longer_than_the_interval_is_followed_at_once_by_one(demo: Project) -> None:
    done = demo.type("watch", "show clock", "-g", "r-slow", "--count", "2", "--interval", "10ms")
    assert done.code == 0
    assert "round 2: 1 of 1 hosts changed" in done.stdout


def test_ctrl_c_between_rounds_ends_it_with_who_is_not_ok(demo: Project) -> None:
    with watching(
        demo, "hostname", "-g", "servers:r-down", "--interval", "0.2", "--format", "jsonl"
    ) as process:
        for _ in range(4):
            next_line(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.replace(b"stopping: no more hosts are started\n", b"") == b""
    assert json.loads(stdout.splitlines()[-1])["summary"]["unreachable"] == 1


def test_ctrl_c_in_a_round_makes_no_change_of_hosts_that_it_did_not_come_to(demo: Project) -> None:
    words = ("sleep 1", "-g", "servers", "--interval", "10ms", "--workers", "1", "--format", "jsonl")
    with watching(demo, *words) as process:
        for _ in range(3):
            assert next_line(process)["from"] is None
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert [set(json.loads(line)) for line in stdout.splitlines()] == [{"time", "rounds", "summary"}]
    assert b"Traceback" not in stderr


def test_sigterm_ends_it_too(demo: Project) -> None:
    with watching(demo, "hostname", "-g", "web1", "--interval", "60", "--format", "jsonl") as process:
        next_line(process)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert json.loads(stdout)["rounds"] == 1


def test_the_exit_code_is_that_of_the_last_round(demo: Project) -> None:
    assert demo.type("watch", "hostname", "-g", "web1:r-down", "--count", "1").code == 4
    assert demo.type("watch", "false", "-g", "web1", "--count", "2", "--interval", "10ms").code == 2


def test_the_first_change_may_be_the_end(demo: Project) -> None:
    words = ("-g", "r1", "--interval", "10ms", "--until-change", "--count")
    changed = demo.type("watch", "show clock", *words, "100")
    assert (changed.code, changed.stdout.count("changed")) == (0, 1)
    steady = demo.type("watch", "show version | include IOS", *words, "2")
    assert (steady.code, "changed" in steady.stdout) == (2, False)


def test_it_may_end_when_every_host_says_what_is_waited_for(demo: Project) -> None:
    words = ("--interval", "10ms", "--count", "3", "--until")
    assert demo.type("watch", "hostname", "-g", "web1:web2", *words, "^web[0-9]$").code == 0
    assert demo.type("watch", "hostname", "-g", "web1:db1", *words, "^web[0-9]$").code == 2
    assert demo.type("watch", "hostname", "-g", "web1:r-down", *words, "^web[0-9]$").code == 4


def test_a_refused_login_is_not_tried_again(demo: Project) -> None:
    done = demo.type("watch", "show clock", "-g", "r-denied", "--interval", "10ms")
    assert done.code == 2
    assert done.stderr == "left out of the next rounds, as their status is auth: r-denied\n"


def test_it_leaves_nothing_in_the_history(demo: Project) -> None:
    assert demo.type("watch", "hostname", "-g", "web1", "--count", "1").code == 0
    assert demo.type("history").stdout == ""


def test_a_dry_run_is_one_round(demo: Project) -> None:
    done = demo.type("watch", "hostname", "-g", "web1", "--dry-run")
    assert done.code == 0
    assert "would be sent: hostname" in done.stdout


def test_who_reads_no_more_ends_it(demo: Project) -> None:
    with watching(demo, "show clock", "-g", "r1", "--interval", "10ms", "--format", "jsonl") as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 0


def test_what_cannot_be_written_is_one_line(demo: Project) -> None:
    with Path("/dev/full").open("wb") as full:
        done = demo.start("watch", "hostname", "-g", "web1", stdout=full)
        _, stderr = done.communicate(timeout=30)
    assert (done.returncode, stderr) == (1, b"watch: stdout: No space left on device\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hostname", "--count", "0"], "--count '0': expected a whole number, 1 or more"),
        (["hostname", "--until", "(a+"], "--until '(a+': expected a regular expression"),
        (["hostname", "--prefix"], "--prefix does not fit --format folded; it fits text"),
        (["hostname", "--executor", "none"], "--executor: 'none' is not known; known: "),
        ([], "no command: give one as --cmd 'show version', or after --"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(demo: Project, words: list[str], said: str) -> None:
    done = demo.type("watch", *words, "-g", "web1")
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"watch: {said}")
    assert done.stderr.count("\n") == 1


def test_only_some_formats_go_with_rounds() -> None:
    with pytest.raises(UsageError, match=r"^--format json does not fit watch; what fits: folded, jsonl$"):
        check_format("json", ())


def test_on_a_terminal_a_line_tells_that_it_goes_on(demo: Project) -> None:
    screen = Screen(demo, "watch", "hostname", "-g", "web1", "--interval", "2")
    try:
        screen.until("round 1 done; last change: none yet; next in ")
        seen = screen.until("round 2 done; last change: none yet; next in ")
        assert re.search("round 1 done; last change: none yet; next in [0-2] s", seen)
        screen.process.send_signal(signal.SIGINT)
        assert "2 rounds" in screen.rest()
        assert screen.process.returncode == 130
    finally:
        screen.close()
