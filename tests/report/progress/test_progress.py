"""Progress: on a real terminal in place and gone without a trace, elsewhere a line now and then."""

from __future__ import annotations

import io
import os
import pty
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.models import HostResult, Status
from runner.report.progress import progress
from runner.report.progress.live import LiveProgress
from runner.report.progress.periodic import LinesProgress, line, span
from runner.report.progress.progress import NoProgress
from runner.report.progress.state import RunState
from runner.report.terminal import visible_line
from tests.liveness import comes_true

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


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_view_tells_counts_who_is_slow_the_rate_and_what_failed() -> None:
    clock = Clock()
    state = RunState(100, lambda: ["r1", "r2"], clock=clock)
    state.view()
    clock.now += 5
    for number in range(20):
        state.add(HostResult(f"h{number}", Status.OK))
    state.add(HostResult("r9", Status.UNREACHABLE, reason="no-route", error="no\nroute"))
    view = state.view()
    assert (view.total, view.done, view.elapsed_s) == (100, 21, 5.0)
    assert view.counts == {Status.OK: 20, Status.UNREACHABLE: 1}
    assert list(view.slowest) == [("r1", 5.0), ("r2", 5.0)]
    assert view.rate == pytest.approx(4.2)
    assert view.left_s == pytest.approx(79 / 4.2)
    assert list(view.failures) == ["r9: unreachable  no\\nroute"]


def test_the_rate_is_that_of_now_and_the_slowest_are_those_still_at_work() -> None:
    clock, running = Clock(), ["old"]
    state = RunState(1000, lambda: running, clock=clock)
    for _ in range(50):
        clock.now += 1
        state.add(HostResult("h", Status.OK))
        state.view()
    running[:] = ["new"]
    for _ in range(20):
        clock.now += 1
        view = state.view()
    assert [name for name, _ in view.slowest] == ["new"]
    assert (view.rate, view.left_s) == (None, None)


def test_a_line_for_a_log_says_all_of_it_in_words() -> None:
    clock = Clock()
    state = RunState(11, lambda: ["r1", "r2", "r3"], clock=clock)
    assert line(state.view()) == "0/11 hosts after 0 s; running r[1-3]"
    clock.now += 4
    for status in [Status.OK] * 7 + [Status.FAILED]:
        state.add(HostResult("h", status))
    expected = "8/11 hosts after 4 s: 7 ok, 1 failed; 2/s, about 2 s left; running r[1-3]"
    assert line(state.view()) == expected
    many = RunState(999, lambda: [f"r{n}" for n in range(500)], doing="waiting for", clock=clock)
    assert line(many.view()) == "0/999 hosts after 0 s; waiting for 500 hosts"


@given(st.lists(st.text(), max_size=30))
def test_a_line_is_one_line_and_harmless(names: list[str]) -> None:
    text = line(RunState(30, lambda: names).view())
    assert visible_line(text) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (119, "119 s"), (150, "2 min"), (3900, "1 h 5 min"), (7200, "2 h 0 min")],
)
def test_times_are_told_as_people_do(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.terminal
def test_a_stream_gets_what_it_can_take(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, wanted in ((None, True), (io.StringIO(), False), (terminal.stream, False)):
        assert isinstance(progress.create(stream, 1, list, wanted=wanted), NoProgress)
    made = [progress.create(io.StringIO(), 1, list, wanted=True)]
    made.append(progress.create(terminal.stream, 1, list, wanted=True))
    monkeypatch.setenv("TERM", "dumb")
    made.append(progress.create(terminal.stream, 1, list, wanted=True))
    assert [type(item) for item in made] == [LinesProgress, LiveProgress, LinesProgress]
    for item in made:
        item.close()


def test_a_log_gets_a_line_when_a_run_is_long_and_never_a_cursor_code() -> None:
    stream = io.StringIO()
    shown = LinesProgress(stream, RunState(2, lambda: ["r2"], clock=Clock()), first_s=0.01)
    shown.result(HostResult("r1", Status.OK))
    assert comes_true(lambda: stream.getvalue().count("1/2 hosts after 0 s: 1 ok; running r2\n") >= 2)
    shown.close()
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_a_log_of_a_short_run_gets_nothing() -> None:
    stream = io.StringIO()
    shown = progress.create(stream, 1, list, wanted=True)
    shown.result(HostResult("r1", Status.OK))
    shown.close()
    assert stream.getvalue() == ""


@pytest.mark.terminal
def test_on_a_terminal_it_is_redrawn_in_place_and_leaves_no_trace(terminal: Terminal) -> None:
    shown = progress.create(terminal.stream, 2, lambda: ["r2"], wanted=True)
    shown.result(HostResult("r1", Status.FAILED, error="no such \x1b[2Jthing"))
    seen = terminal.until("r1: failed  no such \\x1b[2Jthing")
    assert "1/2" in seen
    assert "1 failed" in seen
    assert "running 1: r2" in seen
    with shown.aside():
        terminal.stream.write("r1: said\n")
        terminal.stream.flush()
        seen += terminal.until("r1: said\r\n")
    assert seen.endswith("\x1b[1A\x1b[2K\x1b[?7hr1: said\r\n"), "the lines were taken away before"
    terminal.until("running 1: r2")
    shown.close()
    terminal.stream.write("end")
    terminal.stream.flush()
    rest = terminal.until("end")
    assert rest.endswith("\x1b[1A\x1b[2K\x1b[?7hend")
    assert "\x1b[?25h" in rest, "the cursor is shown again"


@pytest.mark.terminal
def test_a_run_that_is_over_at_once_shows_nothing(terminal: Terminal) -> None:
    shown = LiveProgress(terminal.stream, RunState(1, list), first_s=60)
    shown.result(HostResult("r1", Status.OK))
    shown.close()
    terminal.stream.write("end")
    terminal.stream.flush()
    assert terminal.until("end") == "end"
