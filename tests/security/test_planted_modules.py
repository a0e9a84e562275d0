"""Nothing is imported from the current folder, in which another user's modules may lie."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.projects import Ended, Project

if TYPE_CHECKING:
    from pathlib import Path

MODULES = ("multiprocessing", "socket", "selectors", "json", "yaml", "paramiko", "textfsm", "runner")
INVENTORY = {"here": {"ansible_connection": "local", "note": "{{ 'a' | upper }}"}}


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A folder whose modules leave `ran` behind when they are imported."""
    made = Project(tmp_path / "theirs")
    ran = str(made.folder / "ran")
    for name in MODULES:
        made.write(f"{name}.py", f"open({ran!r}, 'a').write({name!r})\nraise SystemExit(9)\n")
    made.write("hosts.json", json.dumps({"all": {"hosts": INVENTORY}}))
    return made


def type_installed(folder: Project, *words: str) -> Ended:
    """Run the program as it is installed: `Project.type` has `-P`, which Python passes on to its children."""
    program = folder.folder.parent / "bin" / "runner"
    program.parent.mkdir(exist_ok=True)
    program.write_text("from runner.tasks.program import main\nif __name__ == '__main__':\n    main()\n")
    done = subprocess.run(
        [sys.executable, str(program), *words],
        cwd=folder.folder,
        env=folder.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ("--executor", "process"),
        ("--executor", "process", "--start-method", "forkserver"),
        ("--executor", "dask"),
        ("--executor", "thread"),
    ],
    ids=lambda words: words[-1],
)
def test_no_process_of_a_run_imports_what_lies_in_the_current_folder(
    folder: Project, words: tuple[str, ...]
) -> None:
    command = ("run", "-i", "hosts.json", "--cmd", "echo safe: $PYTHONSAFEPATH", "--format", "json")
    ended = type_installed(folder, *command, *words)
    assert not (folder.folder / "ran").exists(), (folder.folder / "ran").read_text()
    assert ended.code == 0, ended.stderr
    (result,) = ended.document["hosts"]["here"]["commands"]
    assert result["stdout"] == "safe:\n", "what keeps our workers safe is not for the command"


def test_a_folder_that_the_operator_keeps_out_stays_out(folder: Project) -> None:
    folder.env["PYTHONSAFEPATH"] = "1"
    words = ("run", "-i", "hosts.json", "--cmd", "echo $PYTHONSAFEPATH", "--executor", "process")
    assert "  1\n" in type_installed(folder, *words).stdout


def test_a_template_imports_nothing_from_the_current_folder(folder: Project) -> None:
    folder.write("hosts.yml", "all: {hosts: {h: {ansible_host: \"{{ ['127.0.0.1'] | first | trim }}\"}}}\n")
    ended = type_installed(folder, "ping", "-i", "hosts.yml", "--method", "tcp", "--format", "json")
    assert ended.document["hosts"]["h"]["address"] == "127.0.0.1", ended.stderr
    assert not (folder.folder / "ran").exists()
