"""A full disk, a read-only folder: the run succeeds, with one clear warning. The file systems are real."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.connection.sshd import go_without, required_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

RUN = (sys.executable, "-m", "invoke", "run", "show clock", "-g", "good", "--format", "jsonl")


def run_on(project: Project, options: str, before: str = "true") -> subprocess.CompletedProcess[str]:
    """Run with the history on a file system of its own, which is gone with the program."""
    if os.geteuid() != 0:
        go_without("only root mounts file systems")
    unshare = [required_program("unshare"), "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        go_without("this machine lets root make no mount namespaces")
    state = project.folder / "state"
    state.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o {options} none "$1" && cd "$1" && {before} && cd "$2" && {shlex.join(RUN)}'
    done = subprocess.run(
        [*unshare, "sh", "-euc", script, "sh", str(state), str(project.folder)],
        env=project.environment(INVOKE_RUNNER_HISTORY=str(state / "kept.sqlite3")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    hosts = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
    assert {host["host"]: host["status"] for host in hosts} == {"r1": "ok", "r2": "ok", "r3": "ok"}
    assert done.returncode == 0, done.stderr
    return done


def warned(done: subprocess.CompletedProcess[str]) -> str:
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ")
    assert "this run is not kept in the history from here on" in line
    return line


def test_no_room_at_all_is_one_warning(demo: Project) -> None:
    line = warned(run_on(demo, "size=8k"))
    assert "free disk space" in line


@pytest.mark.parametrize("size", [48, 96, 112, 128, 144, 160, 176, 192])
def test_no_room_in_the_middle_is_at_most_one_warning(demo: Project, size: int) -> None:
    done = run_on(demo, f"size={size}k")
    if done.stderr:
        warned(done)


def test_room_enough_is_no_warning(demo: Project) -> None:
    assert not run_on(demo, "size=1m").stderr


def test_a_read_only_folder_is_one_warning(demo: Project) -> None:
    assert "set a file that you can write" in warned(run_on(demo, "size=1m,ro"))


def test_a_history_that_became_read_only_is_one_warning(demo: Project) -> None:
    make = f'{shlex.join(RUN)} >"$2"/first'
    before = f'cd "$2" && {make} && cd "$1" && mount -o remount,ro "$1"'
    assert "set a file that you can write" in warned(run_on(demo, "size=1m", before))


def test_a_folder_of_somebody_else_is_one_warning(demo: Project, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("in the way")
        place = tmp_path / "file" / "kept.sqlite3"
    else:
        (tmp_path / "closed").mkdir(mode=0o500)
        place = tmp_path / "closed" / "kept.sqlite3"
    ended = demo.type(*RUN[3:], env={"INVOKE_RUNNER_HISTORY": str(place)})
    assert ended.code == 0
    assert len(ended.stderr.splitlines()) == 1
