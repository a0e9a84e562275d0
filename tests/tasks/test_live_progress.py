"""Live progress in a real terminal emulator: narrow and wide, resized, and interrupted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import pytest

from tests.projects import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TASKS = """
import time
import runner
from runner.tasks import namespace

@runner.host_task
def work(host):
    number = int(host.name[4:])
    if number % 20 == 3:
        raise RuntimeError("a reason that is as long as reasons are now and then, or a little longer")
    time.sleep(100 if number % 20 == 5 else 0.5)

namespace.add_task(work)
"""
HOSTS = 100


class Emulator:
    """A tmux of its own, with a shell in it."""

    def __init__(self, project: Project, columns: int) -> None:
        # The path of a socket is short (unix(7): 108 bytes), that of a test's own folder may not be.
        self._folder = tempfile.TemporaryDirectory(prefix="tmux-")
        terminal = {"TERM": "xterm-256color", "PS1": "$ ", "ENV": ""}
        self._env = project.environment(**terminal, TMUX_TMPDIR=self._folder.name)
        size = ("-x", str(columns), "-y", "24")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "x", *size, "-c", str(project.folder), "sh")

    def tmux(self, *words: str) -> str:
        command = ["tmux", *words]
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "x", *keys)

    def screen(self) -> list[str]:
        """Return the lines that are on the screen now."""
        return self.tmux("capture-pane", "-p", "-t", "x").rstrip("\n").splitlines()

    def until(self, holds: Callable[[list[str]], bool], what: str) -> list[str]:
        end = time.monotonic() + 90
        while not holds(lines := self.screen()):
            assert time.monotonic() < end, (what, lines)
            time.sleep(0.1)
        return lines

    def close(self) -> None:
        self.tmux("kill-server")
        self._folder.cleanup()


@pytest.fixture
def fleet(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("tasks.py", TASKS)
    made.write("inventories/hosts", f"[leafs]\nleaf[001:{HOSTS:03}]\n")
    made.write("invoke.yaml", "runner:\n  no_ping: true\n  workers: 10\n")
    return made


@pytest.fixture(params=[80, 200])
def emulator(fleet: Project, request: pytest.FixtureRequest) -> Iterator[Emulator]:
    if shutil.which("tmux") is None:
        reason = "tmux is not installed"
        (pytest.fail if os.environ.get("RUNNER_REQUIRE_LAB") else pytest.skip)(reason)
    made = Emulator(fleet, request.param)
    yield made
    made.close()


def slowest_s(lines: list[str]) -> int:
    """Return the seconds that the slowest host has taken, as the screen shows them."""
    found = re.search(r"slowest: leaf005 (\d+) s", "\n".join(lines))
    return int(found[1]) if found else 0


def with_word(lines: list[str], word: str) -> list[str]:
    return [line for line in lines if word in line]


@pytest.mark.terminal
def test_progress_is_drawn_in_place_follows_the_size_and_leaves_no_trace(emulator: Emulator) -> None:
    emulator.type("echo before", "Enter")
    emulator.type(f"{sys.executable} -m invoke work; echo code=$?", "Enter")
    lines = emulator.until(lambda lines: bool(with_word(lines, "slowest: leaf005 ")), "somebody is slow")
    (head,) = with_word(lines, f"/{HOSTS}  ")
    assert head.startswith("━")
    assert with_word(lines, " ok  ")
    assert with_word(lines, ": leaf[005,025")
    assert with_word(lines, ": error  RuntimeError: a reason")

    drawn_s = slowest_s(lines)
    emulator.tmux("resize-window", "-t", "x", "-x", "60", "-y", "24")
    # Each drawing could leave something behind, and there are three a second.
    lines = emulator.until(lambda lines: slowest_s(lines) >= drawn_s + 2, "it is drawn again")
    assert all(line.endswith("…") for line in with_word(lines, ": error  "))
    for word in (f"/{HOSTS}  ", "running ", "slowest: "):
        assert len(with_word(lines, word)) == 1, lines

    emulator.type("C-c")
    emulator.until(lambda lines: bool(with_word(lines, "stopping: leaf[")), "it is told what happens")
    emulator.type("C-c")
    lines = emulator.until(lambda lines: bool(with_word(lines, "code=130")), "it ends")
    assert with_word(lines, f"{HOSTS} hosts: ")
    assert not with_word(lines, "━")
    assert not with_word(lines, "running ")
    assert emulator.tmux("display-message", "-p", "-t", "x", "#{cursor_flag}#{wrap_flag}").strip() == "11"
