"""Ctrl-C and SIGTERM, on real processes and a real terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from runner.runs.interruption import GRACE_S
from tests.liveness import comes_true
from tests.projects import PROGRAMS, Project, interrupt_twice
from tests.tasks.test_ending_remote_commands import variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.connection.sshd import Sshd

SLEEPY = """
import os, pathlib, signal, time
import runner
from runner.tasks import namespace

@runner.host_task
def sleepy(host, seconds=120.0, interrupts=0):
    pathlib.Path("at-work-" + host.name).touch()
    for _ in range(int(interrupts)):
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(float(seconds))

namespace.add_task(sleepy)
"""


class Screen:
    """A program on a pseudo-terminal of its own, as a person sits before it."""

    def __init__(self, project: Project, *words: str, **env: str) -> None:
        self.master, slave = pty.openpty()
        self.seen = ""
        self.process = subprocess.Popen(
            [*PROGRAMS["invoke"], *words],
            cwd=project.folder,
            env=project.environment(TERM="xterm", **env),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, text: str) -> str:
        end = time.monotonic() + 60
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen!r}"
            self._read()
        return self.seen

    def rest(self) -> str:
        while self._read():
            pass
        self.process.wait(timeout=40)
        return self.seen

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 4096)
        except OSError:  # the last program on it has ended
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        screen.close()


@pytest.fixture
def sleepy(demo: Project) -> Project:
    demo.write("tasks.py", SLEEPY)
    return demo


def wait_for(path: Path) -> None:
    assert comes_true(path.exists), f"{path.name} did not appear"


def start(project: Project, *words: str) -> subprocess.Popen[bytes]:
    return project.start("sleepy", "-g", "servers", "--format", "json", *words)


def statuses(stdout: bytes) -> dict[str, str]:
    return {name: host["status"] for name, host in json.loads(stdout)["hosts"].items()}


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_the_first_ctrl_c_lets_what_runs_finish_and_starts_no_more(sleepy: Project, executor: str) -> None:
    with start(sleepy, "--seconds", "1.5", "--workers", "1", "--executor", executor) as process:
        wait_for(sleepy.folder / "at-work-web1")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert statuses(stdout) == {"web1": "ok", "web2": "cancelled", "db1": "cancelled"}
    assert stderr == b"stopping: web1 may finish within 30 s; Ctrl-C again ends them\n"


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_the_second_ctrl_c_ends_what_runs_and_shows_what_there_is(sleepy: Project, executor: str) -> None:
    with start(sleepy, "--workers", "2", "--executor", executor) as process:
        wait_for(sleepy.folder / "at-work-web1")
        wait_for(sleepy.folder / "at-work-web2")
        said = interrupt_twice(process)
        begin = time.monotonic()
        stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - begin < GRACE_S
    assert process.returncode == 130
    assert set(statuses(stdout).values()) == {"cancelled"}
    assert b"stopping: web[1-2] may finish" in said
    assert b"Traceback" not in stderr
    assert {name for name, host in json.loads(stdout)["hosts"].items() if host["sent"]} == {"web1", "web2"}


def test_the_third_ctrl_c_waits_for_nothing(sleepy: Project) -> None:
    # Sent by the program itself, so that each is handled before the next: the kernel merges pending ones.
    with start(sleepy, "--executor", "serial", "--interrupts", "3") as process:
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert set(statuses(stdout).values()) == {"cancelled"}
    assert {name for name, host in json.loads(stdout)["hosts"].items() if host["sent"]} == {"web1"}
    assert b"Traceback" not in stderr


def test_sigterm_is_the_second_at_once(sleepy: Project) -> None:
    with start(sleepy) as process:
        wait_for(sleepy.folder / "at-work-web1")
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert set(statuses(stdout).values()) == {"cancelled"}


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_a_closed_terminal_ends_a_run_as_sigterm_does(sleepy: Project, executor: str) -> None:
    """The signal goes to every process of the terminal, and writing to it fails from then on."""
    words = ("sleepy", "-g", "servers", "--workers", "1", "--executor", executor)
    screen = Screen(sleepy, *words, INVOKE_RUNNER_HISTORY=str(sleepy.folder / "kept.sqlite3"))
    wait_for(sleepy.folder / "at-work-web1")
    os.killpg(screen.process.pid, signal.SIGHUP)
    os.close(screen.master)
    assert screen.process.wait(timeout=60) == 129
    shown = sleepy.type("history.show", "last", "--format", "json", env={
        "INVOKE_RUNNER_HISTORY": str(sleepy.folder / "kept.sqlite3")
    })  # fmt: skip
    hosts = json.loads(shown.stdout)["hosts"]
    assert {name: host["status"] for name, host in hosts.items()} == dict.fromkeys(hosts, "cancelled")
    assert {name for name, host in hosts.items() if host["sent"]} == {"web1"}


def test_a_run_that_was_told_to_outlive_its_terminal_does(sleepy: Project) -> None:
    words = ("sleepy", "-g", "web1", "--seconds", "1", "--format", "json")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup(1) does
    try:
        process = sleepy.start(*words)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        wait_for(sleepy.folder / "at-work-web1")
        process.send_signal(signal.SIGHUP)
        stdout, _ = process.communicate(timeout=60)
    assert statuses(stdout) == {"web1": "ok"}


def test_a_remote_command_is_ended_in_the_callers_own_thread_too(sshd: Sshd, tmp_path: Path) -> None:
    made = Project(tmp_path)
    made.write("hosts", "".join(f"{name} {variables(sshd)}\n" for name in "ab"))
    words = ("-i", "hosts", "--known-hosts", str(sshd.known_hosts), "--no-ping", "--format", "json")
    begun = sshd.log.count("Starting session: command")
    with made.start("run", "sleep 120", *words, "--executor", "serial", program="runner") as process:
        assert comes_true(lambda: sshd.log.count("Starting session: command") > begun)
        interrupt_twice(process)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert statuses(stdout) == {"a": "cancelled", "b": "cancelled"}


def test_an_interrupted_ping_says_what_it_knows(demo: Project) -> None:
    with demo.start("ping", "-g", "servers", "--format", "jsonl", "--rate", "0.001") as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # so that it is at work now
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    hosts = [json.loads(line) for line in (first + stdout).splitlines()[:-1]]
    assert sorted(host["host"] for host in hosts) == ["db1", "web1", "web2"]
    assert "cancelled" in {host["status"] for host in hosts}
    assert stderr == b""


def test_a_run_that_was_told_to_ignore_ctrl_c_does(sleepy: Project) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = sleepy.start("sleepy", "-g", "web1", "--seconds", "1", "--format", "json")
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        wait_for(sleepy.folder / "at-work-web1")
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert statuses(stdout) == {"web1": "ok"}


def test_ctrl_c_before_anything_has_begun_is_130_too(demo: Project) -> None:
    mark = demo.folder / "reading"
    demo.write("slow", f"#!/bin/sh\ntouch {mark}\nexec sleep 60\n").chmod(0o755)
    with demo.start("ping", "-i", "slow") as process:
        wait_for(mark)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stderr


@pytest.mark.terminal
def test_on_a_terminal_there_are_colours_and_a_progress_line_and_elsewhere_none(
    demo: Project, screens: list[Screen]
) -> None:
    words = ("run", "show clock", "-g", "r1:r-slow")
    screens.append(Screen(demo, *words))
    seen = screens[-1].rest()
    assert "\x1b[32mok\x1b[0m" in seen
    assert "1/2  " in seen
    assert "running 1: r-slow" in seen
    assert seen.rstrip().endswith("s")
    screens.append(Screen(demo, *words, NO_COLOR="1"))
    assert "\x1b[32m" not in screens[-1].rest()
    screens.append(Screen(demo, *words, "--quiet"))
    assert "running 1:" not in screens[-1].rest()
    ended = demo.type(*words)
    assert "\x1b" not in ended.stdout + ended.stderr
    assert "\r" not in ended.stdout + ended.stderr


@pytest.mark.terminal
def test_a_password_is_asked_for_on_the_terminal_once_and_not_shown(
    demo: Project, screens: list[Screen]
) -> None:
    screens.append(Screen(demo, "run", "hostname", "-g", "servers", "--ask-pass"))
    screens[-1].until("SSH password: ")
    os.write(screens[-1].master, b"demo\n")
    seen = screens[-1].rest()
    assert seen.count("SSH password: ") == 1
    assert "3 hosts: 3 \x1b[32mok" in seen
    assert screens[-1].process.returncode == 0
