"""The result that is made from the future of a host."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from runner import Host, HostResult, Status
from runner.errors import AT_WORK
from runner.executors.answers import NotBegun
from runner.fanout.events import Finished
from runner.fanout.outcome import outcome, without_outcome
from tests.executors import jobs

HOST = Host("r1")
PROBED = HostResult("r1", Status.OK, "10.0.0.1", 22, rtt_ms=0.4, method="tcp")


def returned(value: Any) -> Finished:
    future: Future[Any] = Future()
    future.set_result(value)
    return Finished(HOST, PROBED, future)


def raised(error: BaseException) -> Finished:
    future: Future[Any] = Future()
    future.set_exception(error)
    return Finished(HOST, PROBED, future)


def cancelled() -> Finished:
    future: Future[Any] = Future()
    assert future.cancel()
    return Finished(HOST, PROBED, future)


@pytest.mark.parametrize("ending", [False, True])
@pytest.mark.parametrize("status", [Status.OK, Status.FAILED])
def test_the_result_of_a_worker_is_returned_as_it_is(status: Status, ending: bool) -> None:
    result = HostResult("r1", status, sent=True)
    assert outcome(returned(result), ending=ending) is result


@pytest.mark.parametrize(
    ("event", "status", "reason", "sent"),
    [
        (cancelled(), Status.CANCELLED, "stopped", False),
        (raised(CancelledError()), Status.CANCELLED, "stopped", False),
        (raised(NotBegun("no thread")), Status.ERROR, "not-begun", False),
        (raised(BrokenExecutor("killed")), Status.LOST, "worker-died", True),
        (raised(BrokenProcessPool("killed")), Status.LOST, "worker-died", True),
        (raised(ValueError("unreadable")), Status.LOST, "result-lost", True),
        (raised(SystemExit(3)), Status.LOST, "result-lost", True),
        (returned(None), Status.LOST, "result-lost", True),
        (returned(HostResult("r2", Status.OK)), Status.LOST, "result-lost", True),
    ],
    ids=[
        "cancelled", "cancelled elsewhere", "not begun", "worker died", "process died", "error", "exit",
        "no result", "result of another host",
    ],
)  # fmt: skip
def test_a_future_without_a_result_of_its_host(
    event: Finished, status: Status, reason: str, sent: bool
) -> None:
    """A command counts as sent unless it is certain that the job did not begin."""
    result = outcome(event, ending=False)
    assert (result.host, result.status, result.reason, result.sent) == ("r1", status, reason, sent)


def test_a_worker_that_died_counts_as_stopped_if_the_run_is_being_aborted() -> None:
    result = outcome(raised(BrokenExecutor("killed")), ending=True)
    assert (result.status, result.reason, result.sent) == (Status.CANCELLED, "stopped", True)
    assert result.error == AT_WORK


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (cancelled(), "not started: no worker was left"),
        (raised(NotBegun("no thread")), "not begun: no thread"),
        (raised(BrokenExecutor("killed")), "its worker died; the outcome is unknown: killed"),
        (raised(ValueError("unreadable")), "its result was lost: ValueError: unreadable"),
        (returned([]), "its result was lost: the executor returned list instead"),
    ],
    ids=["cancelled", "not begun", "worker died", "error", "no result"],
)
def test_the_error_says_what_happened(event: Finished, error: str) -> None:
    assert outcome(event, ending=False).error == error


def test_an_exception_without_a_text_is_named_by_its_type() -> None:
    result = outcome(raised(jobs.Mute()), ending=False)
    assert (result.status, result.reason) == (Status.LOST, "result-lost")
    assert "Mute" in str(result.error)


def test_the_fields_of_the_ping_are_kept() -> None:
    result = outcome(cancelled(), ending=False)
    assert (result.address, result.port, result.rtt_ms, result.method) == ("10.0.0.1", 22, 0.4, "tcp")


def test_a_host_without_a_ping_gets_a_result_with_its_name() -> None:
    result = without_outcome(HOST, None, Status.ERROR, "not-pinged", "why", sent=False)
    assert result == HostResult("r1", Status.ERROR, reason="not-pinged", error="why", sent=False)
