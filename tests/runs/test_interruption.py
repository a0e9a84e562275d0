"""Signals during a run: Ctrl-C lets running hosts finish, and the next signal ends them."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner import Host, Status
from runner.connection.connections import Connections
from runner.fanout import Control, FanoutOptions, stream
from runner.jobs import FunctionJob
from runner.reach import ReachOptions
from runner.runs.interruption import Interruption
from runner.settings import Settings
from tests.liveness import comes_true

if TYPE_CHECKING:
    from runner import HostResult


class Recorded(Control):
    """A control that notes its calls, and does not need a run."""

    def __init__(self, *running: str) -> None:
        super().__init__()
        self._running = dict.fromkeys(running)
        self.calls: list[str] = []
        self.aborted = threading.Event()

    def stop(self) -> None:
        self.calls.append("stop")

    def abort(self) -> None:
        self.calls.append("abort")
        self.aborted.set()


@pytest.fixture
def control() -> Recorded:
    """A control of a run in which h1 and h2 are running."""
    return Recorded("h1", "h2")


def interrupted(interruption: Interruption, control: Control, work: Any) -> list[HostResult]:
    """Run one host, and send this process a SIGINT while it is at work."""

    def press() -> None:
        assert comes_true(lambda: bool(control.running))
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with interruption.handled():
        found = list(
            stream(
                [Host("h1"), Host("h2")],
                FunctionJob(work),
                run=f"interrupted-{time.monotonic()}",
                connecting=Connections(Settings().connection_options()),
                options=FanoutOptions(workers=1, ping=False),
                reach=ReachOptions(),
                control=control,
            )
        )
        presser.join()
    return found


def test_after_the_grace_time_the_first_ctrl_c_is_the_second() -> None:
    control = Control()
    said: list[str] = []
    interruption = Interruption(control, grace_s=0.2, say=said.append)
    release, ended = threading.Event(), threading.Event()

    def work(_session: object) -> None:
        release.wait(60)
        ended.set()

    found = interrupted(interruption, control, work)
    assert not ended.is_set()
    release.set()
    assert [result.status for result in found] == [Status.CANCELLED, Status.CANCELLED]
    assert interruption.exit_code == 130
    assert said == ["stopping: h1 may finish within 0.2 s; Ctrl-C again ends them"]


def test_what_finishes_within_the_grace_time_is_not_ended() -> None:
    control = Control()
    found = interrupted(
        Interruption(control, grace_s=60), control, lambda _session: comes_true(lambda: control.stopping)
    )
    assert {result.host: result.status for result in found} == {"h1": Status.OK, "h2": Status.CANCELLED}


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption(Control()).handled():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_a_thread_of_its_own_it_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with Interruption(Control()).handled():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_the_first_ctrl_c_starts_no_more_hosts_and_names_the_running_ones(control: Recorded) -> None:
    said: list[str] = []
    interruption = Interruption(control, grace_s=60, say=said.append)
    with interruption.handled():
        signal.raise_signal(signal.SIGINT)
    assert control.calls == ["stop"]
    assert said == ["stopping: h[1-2] may finish within 60 s; Ctrl-C again ends them"]
    assert interruption.exit_code == 130


def test_without_a_running_host_the_message_names_none() -> None:
    said: list[str] = []
    with Interruption(Recorded(), say=said.append).handled():
        signal.raise_signal(signal.SIGINT)
    assert said == ["stopping: no more hosts are started"]


def test_a_second_ctrl_c_ends_the_running_hosts(control: Recorded) -> None:
    with Interruption(control, grace_s=60).handled():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert control.calls == ["stop", "abort"]


def test_after_the_grace_time_the_running_hosts_are_ended(control: Recorded) -> None:
    with Interruption(control, grace_s=0.01).handled():
        signal.raise_signal(signal.SIGINT)
        assert control.aborted.wait(20)
    assert control.calls == ["stop", "abort"]


def test_when_the_run_is_over_the_grace_time_is_over_too(control: Recorded) -> None:
    before = threading.active_count()
    with Interruption(control, grace_s=60).handled():
        signal.raise_signal(signal.SIGINT)
        (timer,) = (each for each in threading.enumerate() if isinstance(each, threading.Timer))
    timer.join(20)
    assert threading.active_count() == before
    assert control.calls == ["stop"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_sigterm_and_sighup_end_the_running_hosts_at_once(
    control: Recorded, number: signal.Signals, code: int
) -> None:
    interruption = Interruption(control)
    with interruption.handled():
        signal.raise_signal(number)
    assert control.calls == ["abort"]
    assert interruption.exit_code == code


def test_a_signal_after_the_hosts_were_ended_ends_the_wait_for_them(control: Recorded) -> None:
    interruption = Interruption(control)
    with interruption.handled():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert control.calls == ["abort"]
    assert interruption.exit_code == 130


def test_without_a_control_the_first_signal_ends_the_wait() -> None:
    interruption = Interruption()
    assert not interruption.controls
    assert interruption.running == ()
    with interruption.handled(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    assert interruption.exit_code == 143


def test_a_signal_that_was_ignored_stays_ignored(control: Recorded) -> None:
    """For example, `nohup` ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption(control).handled():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert control.calls == []
