"""Python processes that start in the context import nothing from the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.executors.safe_path import safe_path

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "PYTHONSAFEPATH"


@pytest.fixture(autouse=True)
def _not_yet_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the variable, whatever the tests were started with."""
    monkeypatch.setenv(VARIABLE, "")  # so that it is restored even if a test leaves it set
    monkeypatch.delenv(VARIABLE)


def test_a_python_process_imports_from_the_current_folder_only_outside_the_context(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text("print('ran')\n")

    def start() -> str:
        """Start Python as `multiprocessing` does, in a folder that may be another user's."""
        command = [sys.executable, "-c", "import planted"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    with safe_path():
        assert start() == ""
    assert start() == "ran\n"


def test_the_variable_is_gone_after_the_context() -> None:
    with safe_path():
        assert os.environ[VARIABLE] == "1"
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("before", ["yes", ""])
def test_a_variable_that_the_user_had_set_is_as_before_after_the_context(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setenv(VARIABLE, before)
    with safe_path():
        assert os.environ[VARIABLE] == "1"
    assert os.environ[VARIABLE] == before


def test_an_exception_in_the_context_does_not_leave_the_variable_set() -> None:
    with pytest.raises(OSError, match="no process"), safe_path():
        raise OSError("no process can be started")
    assert VARIABLE not in os.environ
