"""Watch and stop a run with its `Control`."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from runner import Host, Status
from runner.fanout import Control
from tests.fanout.runs import fan_out, hosts, statuses


def local(number: int) -> list[Host]:
    """Return hosts whose commands run on this machine."""
    return hosts(number, ansible_connection="local")


def test_the_names_of_the_hosts_at_work_can_be_asked_for() -> None:
    control = Control()
    seen: list[tuple[str, ...]] = []

    def look(session: Any) -> str:
        seen.append(control.running)
        return str(session.name)

    assert len(statuses(fan_out(hosts(3), look, control=control, workers=1))) == 3
    assert [len(names) for names in seen] == [1, 1, 1]
    assert control.running == ()


def test_the_limit_of_hosts_in_flight_can_be_read() -> None:
    control = Control()
    assert control.workers == 0
    seen = [control.workers for _ in fan_out(hosts(3), control=control, workers=2)]
    assert seen == [2, 2, 2]


def test_a_run_stopped_before_it_begins_starts_nothing() -> None:
    control = Control()
    control.stop()
    assert set(statuses(fan_out(hosts(4), control=control)).values()) == {Status.CANCELLED}


def test_stop_lets_a_running_host_finish_and_starts_no_other() -> None:
    control = Control()

    def stop(session: Any) -> str:
        control.stop()
        return str(session.run("echo finished").stdout)

    found = {result.host: result for result in fan_out(local(3), stop, control=control, workers=1)}
    assert control.stopping
    first = found.pop("h00000")
    assert (first.status, first.value) == (Status.OK, "finished\n")
    assert {(result.status, result.reason, result.sent) for result in found.values()} == {
        (Status.CANCELLED, "stopped", False)
    }


@pytest.mark.parametrize("executor", ["serial", "thread"])
def test_abort_ends_a_running_host_and_starts_no_other(executor: str) -> None:
    """With `serial`, the loop cannot read the request: it waits for the job in its own thread."""
    control = Control()

    def abort(session: Any) -> None:
        control.abort()
        session.run("sleep 30")

    found = {
        result.host: result
        for result in fan_out(local(3), abort, control=control, executor=executor, workers=1)
    }
    assert control.stopping
    assert {(result.status, result.reason) for result in found.values()} == {(Status.CANCELLED, "stopped")}
    assert [result.host for result in found.values() if "not started" not in str(result.error)] == ["h00000"]


def test_abort_after_stop_ends_the_host_that_stop_lets_finish() -> None:
    control = Control()

    def stop_then_abort(session: Any) -> None:
        control.stop()
        control.abort()
        session.run("sleep 30")

    found = statuses(fan_out(local(2), stop_then_abort, control=control, workers=1))
    assert set(found.values()) == {Status.CANCELLED}


def test_abort_before_the_run_begins_starts_nothing() -> None:
    control = Control()
    control.abort()
    begun: list[str] = []
    assert set(statuses(fan_out(hosts(4), control=control, starting=begun.extend)).values()) == {
        Status.CANCELLED
    }
    assert begun == []


def test_abort_needs_no_thread_if_the_system_cannot_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def abort(session: Any) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            control.abort()
        session.run("sleep 30")

    (result,) = fan_out(local(1), abort, control=control, workers=1)
    assert (result.status, result.reason) == (Status.CANCELLED, "stopped")
