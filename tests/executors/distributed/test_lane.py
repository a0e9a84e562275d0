"""What runs in a Dask worker: each call in its own thread, and each answer back by itself."""

from __future__ import annotations

import asyncio
import os
import pickle
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from runner import __version__
from runner.executors.answers import packed
from runner.executors.distributed import lane
from tests.executors.jobs import echo, fail, meet, where
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from distributed import Client

    from tests.executors.dask_cluster import Cluster


@pytest.fixture(scope="module")
def client(dask_cluster: Cluster) -> Iterator[Client]:
    from distributed import Client

    with Client(dask_cluster.address, set_as_default=False) as client:
        yield client


@dataclass
class Lane:
    """One lane in one worker, and the queue that its answers come to."""

    client: Client
    name: str
    address: str
    worker: str
    queue: Any
    tasks: list[Any] = field(default_factory=list)

    def work(self, calls: dict[int, tuple[Callable[..., Any], tuple[Any, ...]]]) -> Any:
        """Send a batch of calls; return Dask's future of it."""
        batch = [(number, packed(fn, args, {})) for number, (fn, args) in calls.items()]
        task = self.client.submit(
            lane.work, self.name, self.worker, batch, workers=[self.address], pure=False
        )
        self.tasks.append(task)  # Dask cancels a task if its future is not kept
        return task

    def answers(self, number: int) -> dict[int, tuple[bool, Any]]:
        """Wait for this many answers; return whether each call raised, and its value."""
        found: dict[int, tuple[bool, Any]] = {}
        while len(found) < number:
            post = pickle.loads(self.queue.get(timeout=30))
            assert isinstance(post, lane.Post)
            found |= {call: (came.raised, pickle.loads(came.payload)) for call, came in post.answers}
        return found

    def close(self) -> None:
        self.client.run(lane.close, self.name, workers=[self.address])


@pytest.fixture
def a_lane(client: Client) -> Iterator[Lane]:
    """A lane of its own for each test, in a worker whose thread for Dask's tasks is a single one."""
    from distributed import Queue

    said = client.run(lane.introduce)
    address = min(said)
    name = f"test-{secrets.token_hex(8)}"
    found = Lane(client, name, address, said[address].id, Queue(name, client=client))
    yield found
    found.close()
    found.queue.close()


def test_a_worker_introduces_itself_with_its_id_its_resources_and_its_version(client: Client) -> None:
    said = client.run(lane.introduce)

    assert {address: each.id for address, each in said.items()} == client.run(id_of_worker)
    assert {each.resources for each in said.values()} == {frozenset(), frozenset({"site-b"})}
    assert {each.version for each in said.values()} == {__version__}


def id_of_worker(dask_worker: Any) -> str:
    return str(dask_worker.id)


def test_an_introduction_stops_the_profiler_of_the_worker() -> None:
    class Profiler:
        running = True

        def stop(self) -> None:
            self.running = False

    class Worker:
        id = "Worker-1"
        periodic_callbacks = {"profile": Profiler()}  # noqa: RUF012 - as distributed.Worker has it

        class state:  # noqa: N801
            total_resources = {"site-a": 1.0}  # noqa: RUF012

    said = lane.introduce(Worker())  # type: ignore[arg-type]

    assert said == lane.Introduction("Worker-1", frozenset({"site-a"}), __version__)
    assert not Worker.periodic_callbacks["profile"].running


def test_each_answer_comes_with_the_number_of_its_call(a_lane: Lane) -> None:
    a_lane.work({7: (echo, ("seven",)), 8: (fail, (ValueError, "eight")), 9: (echo, ("nine",))})

    found = a_lane.answers(3)

    assert found[7] == (False, "seven")
    assert found[9] == (False, "nine")
    raised, error = found[8]
    assert raised
    assert repr(error) == "ValueError('eight')"


def test_a_batch_ends_after_its_last_answer_was_sent(a_lane: Lane) -> None:
    a_lane.work({number: (echo, (number,)) for number in range(20)}).result(timeout=60)

    posts = [pickle.loads(message) for message in a_lane.queue.get(batch=True)]

    assert sorted(number for post in posts for number, _ in post.answers) == [*range(20)]


def test_an_answer_does_not_wait_for_the_other_calls_of_its_batch(a_lane: Lane, tmp_path: Path) -> None:
    a_lane.work({1: (meet, (str(tmp_path), "call", 2)), 2: (echo, ("quick",))})

    assert a_lane.answers(1) == {2: (False, "quick")}
    (tmp_path / "test").touch()
    assert list(a_lane.answers(1)) == [1]


def test_each_call_of_a_batch_has_its_own_thread(a_lane: Lane, tmp_path: Path) -> None:
    # No call ends before all have begun.
    a_lane.work({number: (meet, (str(tmp_path), str(number), 10)) for number in range(10)})

    assert len({place for _, place in a_lane.answers(10).values()}) == 10


def test_a_batch_does_not_wait_for_the_end_of_another(a_lane: Lane, tmp_path: Path) -> None:
    for number in (1, 2):
        a_lane.work({number: (meet, (str(tmp_path), str(number), 2))})

    assert set(a_lane.answers(2)) == {1, 2}


def test_a_batch_for_a_worker_that_is_no_more_is_not_done_by_another(dask_cluster: Cluster) -> None:
    from distributed import Client

    with Client(dask_cluster.address, set_as_default=False) as client:
        task = client.submit(lane.work, "nobody", "Worker-of-yesterday", [(1, b"")], pure=False)
        assert isinstance(task.exception(timeout=30), lane.WrongWorker)


def test_a_closed_lane_leaves_no_thread_in_the_worker(a_lane: Lane) -> None:
    before = threads_of(a_lane)
    a_lane.work({1: (where, ())})
    ((_, (pid, _)),) = a_lane.answers(1).values()
    assert pid != os.getpid()
    ours = threads_of(a_lane) - before
    assert len(ours) == 2, "one for the call, and one that sends the answers"

    a_lane.close()

    assert comes_true(lambda: not threads_of(a_lane) & ours)


def threads_of(a_lane: Lane) -> set[int]:
    """Return the threads of all lanes in a worker."""
    found: set[int] = a_lane.client.run(runner_threads, workers=[a_lane.address])[a_lane.address]
    return found


def runner_threads() -> set[int]:
    names = ("runner-lane", "runner-worker")
    return {thread.native_id or 0 for thread in threading.enumerate() if thread.name in names}


def test_to_close_an_unknown_lane_does_nothing() -> None:
    lane.close("nobody")


def test_a_lane_that_was_closed_opens_again_for_the_next_call(a_lane: Lane) -> None:
    for number in (1, 2):
        a_lane.work({number: (echo, ("again",))})
        assert a_lane.answers(1) == {number: (False, "again")}
        a_lane.close()


def test_a_function_that_a_worker_is_told_is_called_with_its_arguments() -> None:
    heard: list[int] = []

    asyncio.run(lane.told(heard.append, 1))

    assert heard == [1]


def test_a_local_worker_keeps_off_the_terminal_but_its_programs_can_be_ended() -> None:
    code = """
        import os, signal, subprocess
        from runner.executors.distributed import lane

        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # as a worker is started
        lane.keep_quiet()
        print("a print of a call")
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGHUP)
        print(subprocess.run(["sh", "-c", "kill -HUP $$"]).returncode)
        print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == ["a print of a call", str(-signal.SIGHUP), "False"]
