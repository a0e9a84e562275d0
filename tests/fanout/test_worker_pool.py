"""The executor of a run: each finished host arrives as an event, and `close` ends what still runs."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Executor, Future
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

from runner import Host, HostResult, Status, executors
from runner.connection.connections import Connections
from runner.connection.deadline import Deadline
from runner.errors import UsageError
from runner.executors import SerialExecutor
from runner.fanout.events import Event, Finished
from runner.fanout.options import FanoutOptions
from runner.fanout.ready_queue import Waiting
from runner.fanout.worker_pool import RESOURCE, WorkerPool
from runner.jobs import FunctionJob
from runner.reach import ReachOptions
from runner.settings import Settings
from tests.executors import jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN = "test-worker-pool"
LONG_S = 30
"""Longest wait for an event that must come; a test that passes does not wait so long."""
LOCAL = Host("here", {"ansible_connection": "local"})


class Pool:
    """A worker pool with its queue of events.

    Args:
        executor: Name of the executor.
        function: The job.
        most: Hosts in flight at once.
    """

    def __init__(
        self, executor: str = "thread", function: Callable[..., Any] = jobs.host_name, most: int = 2
    ) -> None:
        self.running: dict[str, Future[HostResult] | None] = {}
        self.events: SimpleQueue[Event] = SimpleQueue()
        connecting = Connections(Settings(retries=0, startups=10).connection_options())
        task = (FunctionJob(function), connecting, RUN)
        self.pool = WorkerPool(FanoutOptions(executor), most, task, self.running, self.events)

    def submit(self, host: Host, reached: HostResult | None = None) -> HostResult | None:
        return self.pool.submit(Waiting(host, reached))

    def finished(self) -> Finished:
        """Wait for the next event, and take its host out of those that run, as the loop does."""
        event = self.events.get(timeout=LONG_S)
        assert isinstance(event, Finished)
        del self.running[event.host.name]
        return event

    def close(self) -> None:
        self.pool.close(LONG_S)


@pytest.fixture(autouse=True)
def _forget_the_run() -> Iterator[None]:
    """Let the next test use the same id of a run."""
    yield
    Connections.forget(RUN)


def is_aborted() -> bool:
    return Deadline.after(None, RUN).stopped()


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_the_result_of_a_submitted_host_arrives_as_an_event(executor: str) -> None:
    host, reached = Host("r1"), HostResult("r1", Status.OK, rtt_ms=0.4)
    with closing(Pool(executor)) as pool:
        assert pool.submit(host, reached) is None
        assert isinstance(pool.running["r1"], Future)
        event = pool.finished()
    result = event.future.result()
    assert (event.host, event.reached) == (host, reached)
    assert (result.host, result.status, result.value) == ("r1", Status.OK, "r1")
    assert result.rtt_ms == 0.4


@pytest.mark.parametrize(
    ("executor", "most", "in_process"), [("serial", 1, True), ("thread", 2, True), ("process", 2, False)]
)
def test_the_pool_has_the_properties_of_its_executor(executor: str, most: int, in_process: bool) -> None:
    with closing(Pool(executor, most=2)) as pool:
        assert (pool.pool.most, pool.pool.in_process, pool.pool.elsewhere) == (most, in_process, False)


def test_an_unknown_executor_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown"):
        Pool("unknown")


def test_a_host_that_the_executor_refuses_gets_an_error_and_no_event() -> None:
    pool = Pool()
    pool.close()
    result = pool.submit(Host("r1"), HostResult("r1", Status.OK, "10.0.0.1", 22))
    assert result is not None
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "not-submitted", False)
    assert (result.address, result.error) == (
        "10.0.0.1",
        "not started: cannot schedule new calls after shutdown",
    )
    assert pool.running == {}
    assert pool.events.empty()


def test_a_worker_that_has_to_ping_does_not_start_the_job_of_a_host_that_is_down() -> None:
    begun: list[str] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # not listening: connections are refused
        variables = {"ansible_host": "127.0.0.1", "ansible_port": silent.getsockname()[1]}
        with closing(Pool(function=lambda session: begun.append(session.name))) as pool:
            pool.pool.reach = ReachOptions(method="tcp")
            pool.submit(Host("down", variables))
            assert pool.finished().future.result().status is Status.UNREACHABLE
    assert begun == []


class Placing(SerialExecutor):
    """An executor that can send a call to a worker with a resource, and that records the calls to workers."""

    processes = 4
    elsewhere = True
    max_workers = 3

    def __init__(self) -> None:
        self.places: list[str] = []
        self.told: list[Callable[[], None]] = []
        self.terminated = 0

    def submit_to(self, place: str, fn: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        self.places.append(place)
        return self.submit(fn, *arguments)

    def tell_workers(self, fn: Callable[..., None], *arguments: Any) -> None:
        self.told.append(partial(fn, *arguments))

    def terminate_workers(self) -> None:
        self.terminated += 1


def use(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the pool use this executor."""
    monkeypatch.setattr(executors, "create", lambda *_: executor)


def test_a_host_with_the_resource_variable_goes_to_a_worker_with_that_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    placing = Placing()
    use(placing, monkeypatch)
    with closing(Pool()) as pool:
        for name, value in [("a", "berlin"), ("b", None), ("c", ""), ("d", 7)]:
            assert pool.submit(Host(name, {RESOURCE: value})) is None
            assert pool.finished().future.result().ok
    assert placing.places == ["berlin", "7"]


def test_an_executor_without_resources_ignores_the_resource_variable() -> None:
    with closing(Pool("serial")) as pool:
        assert pool.submit(Host("r1", {RESOURCE: "berlin"})) is None
        assert pool.finished().future.result().ok


def test_the_number_of_workers_of_the_executor_wins_over_the_requested_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(Placing(), monkeypatch)
    with closing(Pool(most=100)) as pool:
        assert (pool.pool.most, pool.pool.elsewhere) == (3, True)


def test_processes_share_the_limit_of_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    use(Placing(), monkeypatch)
    with closing(Pool(function=lambda session: seen.append(session._options.startups))) as pool:
        pool.submit(Host("r1"))
        assert pool.finished().future.result().ok
    assert seen == [2]


def begin_and_sleep(begun: threading.Event) -> Callable[[Any], None]:
    """Return a job that says that it has begun, and then runs a long command."""

    def job(session: Any) -> None:
        begun.set()
        session.run("sleep 30")

    return job


def test_end_running_ends_the_command_of_a_host() -> None:
    begun = threading.Event()
    with closing(Pool(function=begin_and_sleep(begun))) as pool:
        pool.submit(LOCAL)
        assert begun.wait(LONG_S)
        pool.pool.end_running()
        assert pool.finished().future.result().status is Status.CANCELLED


def test_end_running_is_told_to_workers_in_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    placing = Placing()
    use(placing, monkeypatch)
    with closing(Pool()) as pool:
        pool.pool.end_running()
        Connections.forget(RUN)
        (told,) = placing.told
        assert not is_aborted()
        told()
        assert is_aborted()


def test_close_ends_the_command_that_still_runs_and_lets_the_id_be_used_again() -> None:
    begun = threading.Event()
    pool = Pool(function=begin_and_sleep(begun))
    pool.submit(LOCAL)
    future = pool.running["here"]
    assert begun.wait(LONG_S)
    pool.close()
    assert future is not None
    assert future.result(0).status is Status.CANCELLED
    assert not is_aborted()


def test_close_does_not_wait_for_a_job_that_does_not_end_and_keeps_its_run_aborted() -> None:
    begun, release = threading.Event(), threading.Event()

    def hang(_session: object) -> None:
        begun.set()
        release.wait(LONG_S)

    pool = Pool(function=hang)
    pool.submit(LOCAL)
    assert begun.wait(LONG_S)
    pool.pool.close(0)
    future = pool.running["here"]
    assert future is not None
    assert not future.done()
    assert is_aborted()
    release.set()
    future.result(LONG_S)


def test_close_terminates_the_workers_only_if_a_job_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    placing = Placing()
    use(placing, monkeypatch)
    pool = Pool()
    pool.submit(LOCAL)
    pool.finished()
    pool.close()
    assert placing.terminated == 0
    pool = Pool()
    pool.running["here"] = Future()
    pool.pool.close(0)
    assert placing.terminated == 1
