"""The first Ctrl-C has an end of its own: what does not finish within the grace time is ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from runner import Host, Status
from runner.connection.connections import Connections
from runner.fanout import Control, FanoutOptions, stream
from runner.jobs import FunctionJob
from runner.reach import ReachOptions
from runner.runs.interruption import Interruption
from runner.settings import Settings

if TYPE_CHECKING:
    from runner import HostResult


def interrupted(interruption: Interruption, control: Control, work: Any) -> list[HostResult]:
    """Run one host, and send this process a SIGINT while it is at work."""

    def press() -> None:
        while not control.running:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with interruption.handled():
        found = list(
            stream(
                [Host("h1"), Host("h2")],
                FunctionJob(work),
                run=f"interrupted-{time.monotonic()}",
                connecting=Connections(Settings().connection()),
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
    begin = time.monotonic()
    found = interrupted(interruption, control, lambda _session: time.sleep(30))
    assert [result.status for result in found] == [Status.CANCELLED, Status.CANCELLED]
    assert time.monotonic() - begin < 20
    assert interruption.exit_code == 130
    assert said == ["stopping: h1 may finish within 0.2 s; Ctrl-C again ends them"]


def test_what_finishes_within_the_grace_time_is_not_ended() -> None:
    control = Control()
    found = interrupted(Interruption(control, grace_s=20), control, lambda _session: time.sleep(0.5))
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
