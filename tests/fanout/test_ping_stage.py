"""The thread that pings the hosts of a batch: each answer is an event, and so is the end of the pings."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from runner import Host, HostResult, Status
from runner.fanout.events import Event, PingsEnded, Reached
from runner.fanout.ping_stage import PingStage

if TYPE_CHECKING:
    from collections.abc import Generator

HOSTS = [Host("a"), Host("b")]
A, B = (HostResult(host.name, Status.OK, rtt_ms=1.0) for host in HOSTS)
LONG_S = 20
"""Longest wait for an event that must come; a test that passes does not wait so long."""


class Pings:
    """Answers for the two hosts: the second one comes when the test releases it.

    Attributes:
        events: The queue of the stage.
        release: Set it to let the second answer come.
        closed: Whether the generator of the answers has been closed.
        thread: The thread that consumes the answers.
    """

    def __init__(self) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.release = threading.Event()
        self.closed = False
        self.thread = threading.current_thread()
        self.stage = PingStage(HOSTS, self._answers(), self.events)

    def next(self) -> Event:
        return self.events.get(timeout=LONG_S)

    def finish(self) -> list[Event]:
        """Let the second answer come, wait for the end of the thread, and return the events left."""
        self.release.set()
        self.thread.join(LONG_S)
        assert not self.thread.is_alive()
        return [self.events.get_nowait() for _ in range(self.events.qsize())]

    def _answers(self) -> Generator[HostResult, None, None]:
        self.thread = threading.current_thread()
        try:
            yield A
            self.release.wait(LONG_S)
            yield B
        finally:
            self.closed = True


def test_an_answer_is_passed_on_while_other_hosts_are_still_pinged() -> None:
    pings = Pings()
    assert pings.next() == Reached(A)
    assert not pings.release.is_set()
    assert pings.finish() == [Reached(B), PingsEnded(HOSTS, None)]


def test_the_pings_run_in_a_thread_that_does_not_keep_the_program_alive() -> None:
    pings = Pings()
    pings.next()
    assert pings.thread is not threading.current_thread()
    assert pings.thread.daemon
    pings.finish()


def test_close_ends_the_pings_at_the_next_answer_and_closes_their_generator() -> None:
    pings = Pings()
    assert pings.next() == Reached(A)
    pings.stage.close()
    assert not pings.closed
    assert pings.finish() == []
    assert pings.closed


@pytest.mark.parametrize("error", [OSError("no socket"), SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_an_error_of_the_generator_arrives_with_the_end_of_the_pings(error: BaseException) -> None:
    def answers() -> Generator[HostResult, None, None]:
        yield A
        raise error

    events: SimpleQueue[Event] = SimpleQueue()
    PingStage(HOSTS, answers(), events)
    assert events.get(timeout=LONG_S) == Reached(A)
    assert events.get(timeout=LONG_S) == PingsEnded(HOSTS, error)
