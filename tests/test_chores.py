"""The development tasks in this repository's tasks.py."""

from __future__ import annotations

import subprocess
import sys

from tests.projects import ROOT


def invoke(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_chores_stand_beside_the_tasks() -> None:
    listed = invoke("--list").stdout
    for name in ("ping", "run", "inventory", "demo", "test", "lint", "bench", "lab.up", "lab.down"):
        assert f"  {name} " in listed


def test_a_benchmark_that_is_not_there_names_those_that_are() -> None:
    done = invoke("bench", "--name", "nothing")
    assert done.returncode == 1
    assert "bench: there is no 'nothing'; there are: " in done.stderr
    assert "startup" in done.stderr


def test_the_tests_are_run_with_the_words_given() -> None:
    assert "pytest" in invoke("test", "--args", "--version").stdout


def test_the_demo_inventory_is_what_this_folder_means() -> None:
    assert invoke("inventory", "--hosts", "switches").stdout == "sw1\nsw2\n"
