"""Ending the commands of a connection never ends processes of another connection."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from runner.connection.command.reaper import REAPER
from tests.liveness import alive, gone

if TYPE_CHECKING:
    from pathlib import Path

# A parent process with a command, like a server: it starts the reaper and prints its exit code.
PARENT = """\
sleep 60 & command=$!
setsid sleep 60 & group=$!
echo "$command $group"
{reaper}
echo "ended with $?"
wait
"""


def started(folder: Path, name: str) -> subprocess.Popen[str]:
    """Start a shell with this program name, which starts the reaper as its child."""
    program = folder / name
    shutil.copy(shutil.which("dash") or "/bin/sh", program)
    line = PARENT.format(reaper=f"sh -c {_quoted(REAPER)}")
    return subprocess.Popen([program, "-c", line], stdout=subprocess.PIPE, text=True)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def children(process: subprocess.Popen[str]) -> tuple[list[int], str]:
    assert process.stdout is not None
    found = [int(word) for word in process.stdout.readline().split()]
    return found, process.stdout.readline().strip()


@pytest.mark.parametrize("name", ["sshd", "sshd-session", "dropbear", "tinysshd"])
def test_the_commands_of_a_server_are_ended(tmp_path: Path, name: str) -> None:
    with started(tmp_path, name) as process:
        found, ended = children(process)
        assert ended == "ended with 0"
        assert gone(*found)


@pytest.mark.parametrize("name", ["systemd", "init", "python3", "sh", "sshd-not", "my-dropbears"])
def test_the_children_of_another_program_are_left_alone(tmp_path: Path, name: str) -> None:
    with started(tmp_path, name) as process:
        found, ended = children(process)
        try:
            assert ended == "ended with 1"
            assert all(map(alive, found))
        finally:
            for pid in found:
                os.kill(pid, signal.SIGKILL)


def test_a_reaper_whose_server_has_gone_ends_nothing(tmp_path: Path) -> None:
    """Its parent is then process 1, or another process that adopts orphans: here, one with other children."""
    code = (
        "import ctypes, os, subprocess, sys, time\n"
        "ctypes.CDLL(None).prctl(36, 1)\n"  # PR_SET_CHILD_SUBREAPER
        "other = subprocess.Popen(['sleep', '60'])\n"
        "server = subprocess.Popen([sys.argv[1], '-c', '(sleep 0.5; ' + sys.argv[2] + ') & exit'])\n"
        "server.wait()\n"
        "time.sleep(2)\n"
        "print(other.poll(), flush=True)\n"
        "other.kill()\n"
    )
    if sys.platform != "linux":
        pytest.skip("only Linux lets a process adopt orphans")
    program = tmp_path / "sshd"
    shutil.copy(shutil.which("dash") or "/bin/sh", program)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(program), REAPER], capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"
    assert time.monotonic() - began < 60
