"""Deadlines and guards fire once, in time, and only for steps that have not ended."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import pytest

from runner.connection import deadline
from runner.connection.deadline import Deadline, Guard
from tests.liveness import comes_true

SOON, LATE = 0.1, 100.0


def test_without_an_end_there_is_always_time() -> None:
    assert Deadline().remaining() is None
    assert Deadline.after(None).remaining() is None


def test_what_remains_never_falls_below_zero() -> None:
    assert Deadline(at=time.monotonic() - 5).remaining() == 0.0


@pytest.mark.parametrize(
    ("limit", "step", "bound_by_host"),
    [(None, None, False), (None, 5.0, False), (LATE, 5.0, False), (1.0, 5.0, True), (1.0, None, True)],
)
def test_a_step_is_bound_by_the_sooner_of_the_two(
    limit: float | None, step: float | None, bound_by_host: bool
) -> None:
    seconds, by_host = Deadline.after(limit).sooner(step)

    assert by_host is bound_by_host
    if by_host:
        assert seconds is not None
        assert seconds <= 1.0
    else:
        assert seconds == step


def test_a_guard_closes_what_takes_too_long() -> None:
    closed = threading.Event()
    with Deadline().guard(SOON, closed.set) as watched:
        assert closed.wait(30)

    assert watched.expired
    assert not watched.aborted


def test_a_guard_leaves_alone_what_ends_in_time() -> None:
    closed = threading.Event()
    with Deadline().guard(1.0, closed.set) as watched:
        pass

    assert not closed.wait(1.5)
    assert not watched.expired


def hold_up(seconds: float) -> None:
    """Keep all other threads of this process from running for about this time."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        sum(itertools.repeat(1, 10_000_000))  # one call, during which the interpreter switches no threads


def outlasts(guard: Guard, seconds: float) -> bool:
    """Return whether the guard lets a step continue whose time passed while this process could not run it.

    It has some seconds to end the step, after the other threads can run again.
    """
    switch = sys.getswitchinterval()
    sys.setswitchinterval(60)
    try:
        with guard as watched:
            hold_up(3 * SOON)
            sys.setswitchinterval(switch)
            comes_true(lambda: watched.expired, seconds)
    finally:
        sys.setswitchinterval(switch)
    return not watched.expired


def test_a_step_that_waits_for_a_peer_gets_the_time_that_this_process_was_late_by() -> None:
    assert not outlasts(Deadline().guard(SOON, lambda: None), 30)
    assert outlasts(Deadline().guard(SOON, lambda: None, fair=True), SOON / 2)


def test_there_is_an_end_to_that_and_to_what_a_peer_that_is_silent_gets() -> None:
    begin = time.monotonic()
    closed = threading.Event()
    with Deadline().guard(SOON, closed.set, fair=True) as watched:
        hold_up(SOON / 2)
        assert closed.wait(30)

    assert watched.expired
    assert time.monotonic() - begin >= SOON


def test_guards_fire_in_the_order_of_their_moments() -> None:
    fired: list[str] = []
    done = threading.Event()
    with (
        Deadline().guard(LATE, lambda: fired.append("late")),
        Deadline().guard(0.2, lambda: (fired.append("second"), done.set())),  # type: ignore[arg-type,return-value]
        Deadline().guard(SOON, lambda: fired.append("first")),
    ):
        assert done.wait(30)

    assert fired == ["first", "second"]


def test_a_guard_that_fails_to_close_does_not_stop_the_others() -> None:
    closed = threading.Event()

    def fail() -> None:
        raise OSError("already closed")

    with Deadline().guard(SOON, fail), Deadline().guard(0.2, closed.set):
        assert closed.wait(30)


def test_aborting_a_run_closes_its_steps_and_no_others() -> None:
    ours, theirs = threading.Event(), threading.Event()
    with (
        Deadline(run="ours").guard(LATE, ours.set) as watched,
        Deadline(run="theirs").guard(LATE, theirs.set) as other,
    ):
        deadline.abort("ours")
    deadline.forget("ours")

    assert ours.is_set()
    assert watched.aborted
    assert not watched.expired
    assert not theirs.is_set()
    assert not other.aborted


def test_a_step_that_begins_after_the_abort_is_closed_at_once() -> None:
    closed = threading.Event()
    deadline.abort("stopped")
    with Deadline(run="stopped").guard(None, closed.set) as watched:
        assert closed.is_set()
    deadline.forget("stopped")

    assert watched.aborted


def test_a_step_that_can_end_in_good_order_is_asked_first_and_closed_if_it_does_not() -> None:
    asked, closed = threading.Event(), threading.Event()
    with Deadline(run="polite").guard(None, closed.set, asked.set) as watched:
        deadline.abort("polite")
        assert asked.is_set()
        assert not closed.is_set()
        assert closed.wait(30)
    deadline.forget("polite")

    assert watched.aborted
    assert not watched.expired


def test_one_that_does_end_is_not_closed() -> None:
    asked, closed = threading.Event(), threading.Event()
    with Deadline(run="quick").guard(None, closed.set, asked.set):
        deadline.abort("quick")
    deadline.forget("quick")

    assert asked.is_set()
    assert not closed.wait(1)


def test_a_pause_ends_with_the_run() -> None:
    limits = Deadline(run="paused")
    timer = threading.Timer(SOON, deadline.abort, ("paused",))
    timer.start()
    begin = time.monotonic()
    limits.sleep(LATE)

    assert time.monotonic() - begin < LATE / 2
    assert limits.stopped()
    deadline.forget("paused")
    assert not limits.stopped()
