"""The progress line: on a real terminal, in place, and gone without a trace."""

from __future__ import annotations

import io
import os
import pty
import time
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.models import HostResult, Status
from runner.report import progress
from runner.report.progress import NoProgress, ProgressLine, line
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class Terminal:
    """The far end of a pseudo-terminal."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.stream: TextIO = os.fdopen(slave, "w")

    def until(self, text: str) -> str:
        seen = ""
        end = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < end, f"{text!r} did not come: {seen!r}"
            seen += os.read(self.master, 1000).decode()
        return seen


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    made = Terminal()
    yield made
    made.stream.close()
    os.close(made.master)


def test_the_line_says_done_of_all_the_statuses_and_who_is_at_work() -> None:
    counts = Counter({Status.OK: 7, Status.FAILED: 1})
    assert line(11, counts, ["r1", "r2", "r3"], 80) == "8/11  1 failed  7 ok  running: r[1-3]"
    assert line(11, counts, [], 80) == "8/11  1 failed  7 ok"
    assert line(999, Counter(), [f"r{n}" for n in range(500)], 80) == "0/999  running: 500 hosts"


@given(st.lists(st.text(), max_size=30), st.integers(0, 200))
def test_the_line_is_one_line_of_the_terminal_and_harmless(names: list[str], width: int) -> None:
    text = line(30, Counter({Status.OK: 3}), names, width)
    assert sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text) < max(width, 2)
    assert visible_line(text) == text


def test_a_stream_that_is_no_terminal_gets_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(progress.create(io.StringIO(), 1, list, wanted=True), NoProgress)
    assert isinstance(progress.create(terminal.stream, 1, list, wanted=False), NoProgress)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(progress.create(terminal.stream, 1, list, wanted=True), NoProgress)


def test_the_line_is_rewritten_in_place_and_leaves_no_trace(terminal: Terminal) -> None:
    shown = progress.create(terminal.stream, 2, lambda: ["r2"], wanted=True)
    assert isinstance(shown, ProgressLine)
    shown.result(HostResult("r1", Status.OK))
    seen = terminal.until("1/2  1 ok  running: r2")
    with shown.aside():
        terminal.stream.write("r1: ok\n")
        terminal.stream.flush()
    seen += terminal.until("r1: ok\r\n\r\x1b[K1/2")
    shown.close()
    terminal.stream.write("end")
    terminal.stream.flush()
    seen += terminal.until("end")
    assert seen.endswith("\r\x1b[Kend")
    assert "\n" not in seen.replace("r1: ok\r\n", "")


def test_a_run_that_is_over_at_once_shows_no_line(terminal: Terminal) -> None:
    shown = progress.create(terminal.stream, 1, list, wanted=True)
    shown.result(HostResult("r1", Status.OK))
    shown.close()
    terminal.stream.write("end")
    terminal.stream.flush()
    assert terminal.until("end") == "end"
