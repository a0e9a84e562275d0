"""Processes times threads: a death costs what that process had, and nothing is left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

import pytest

import runner
from runner import Host, Status
from runner.executors.answers import NotBegun
from runner.executors.processes import ThreadedProcessExecutor
from tests.executors import jobs
from tests.executors.jobs import Stubborn, Unpicklable, Unreadable, die, echo, fail, make, nap, where
from tests.liveness import comes_true, gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def executor() -> Iterator[ThreadedProcessExecutor]:
    executor = ThreadedProcessExecutor(4, processes=2)
    yield executor
    executor.terminate_workers()
    executor.shutdown()


def test_calls_are_spread_over_processes_and_threads(
    executor: ThreadedProcessExecutor, tmp_path: Path
) -> None:
    places = workers_at_once(executor, 4, tmp_path)
    assert len({pid for pid, _ in places}) == 2
    assert len(places) == 4
    assert os.getpid() not in {pid for pid, _ in places}


def workers_at_once(executor: ThreadedProcessExecutor, number: int, folder: Path) -> set[tuple[int, int]]:
    """Submit calls of which none ends before all have begun; return the process and thread of each."""
    folder.mkdir(exist_ok=True)
    futures = [executor.submit(jobs.meet, str(folder), str(name), number) for name in range(number)]
    return {future.result(90) for future in futures}


def test_more_calls_than_workers_are_all_done(executor: ThreadedProcessExecutor) -> None:
    futures = [executor.submit(echo, number) for number in range(300)]
    assert [future.result(30) for future in futures] == [*range(300)]


def test_there_are_no_more_processes_than_workers() -> None:
    with ThreadedProcessExecutor(1, processes=8) as executor:
        assert len({executor.submit(where).result(30)[0] for _ in range(5)}) == 1


def test_large_arguments_and_results_travel(executor: ThreadedProcessExecutor) -> None:
    data = os.urandom(5_000_000)
    assert executor.submit(echo, data).result(60) == data


def test_a_call_that_cannot_travel_is_refused_at_once(executor: ThreadedProcessExecutor) -> None:
    with pytest.raises(TypeError, match="stays here"):
        executor.submit(echo, Unpicklable())
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        executor.submit(lambda: 1)
    assert executor.submit(echo, 1).result(30) == 1


@pytest.mark.parametrize(
    ("kind", "text"), [(Unpicklable, "stays here"), (Unreadable, "cannot be made again")]
)
def test_a_result_that_cannot_travel_is_that_calls_exception(
    executor: ThreadedProcessExecutor, kind: type, text: str
) -> None:
    with pytest.raises(Exception, match=text):
        executor.submit(make, kind).result(30)
    assert executor.submit(echo, 1).result(30) == 1


def test_an_argument_that_cannot_be_read_there_is_that_calls_exception(
    executor: ThreadedProcessExecutor,
) -> None:
    with pytest.raises(NotBegun, match="ValueError: cannot be made again"):
        executor.submit(echo, Unreadable()).result(30)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, MemoryError])
def test_a_future_carries_whatever_its_call_raised(
    executor: ThreadedProcessExecutor, kind: type[BaseException]
) -> None:
    assert isinstance(executor.submit(fail, kind, "why").exception(30), kind)


def test_an_exception_that_cannot_travel_comes_as_its_words(executor: ThreadedProcessExecutor) -> None:
    with pytest.raises(RuntimeError, match="Stubborn: one"):
        executor.submit(fail, Stubborn, "one", "two").result(30)
    with pytest.raises(jobs.Mute):
        executor.submit(fail, jobs.Mute).result(30)


def test_the_death_of_a_process_costs_only_the_calls_that_it_had(executor: ThreadedProcessExecutor) -> None:
    doomed = executor.submit(die)
    with pytest.raises(BrokenProcessPool, match="died"):
        doomed.result(30)
    assert [executor.submit(echo, number).result(30) for number in range(20)] == [*range(20)]


def test_another_process_takes_the_place_of_one_that_died(
    executor: ThreadedProcessExecutor, tmp_path: Path
) -> None:
    pids = {pid for pid, _ in workers_at_once(executor, 4, tmp_path / "before")}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert gone(*pids)
    assert comes_true(lambda: not pids & {worker.process.pid for worker in executor._workers})
    after = {pid for pid, _ in workers_at_once(executor, 4, tmp_path / "after")}
    assert len(after) == 2
    assert not after & pids


def test_where_every_process_dies_what_waits_is_cancelled_and_nothing_hangs(
    executor: ThreadedProcessExecutor,
) -> None:
    futures = [executor.submit(die) for _ in range(30)]
    assert not wait(futures, timeout=60).not_done
    late = executor.submit(echo, 1)
    assert not wait([late], timeout=30).not_done
    assert late.cancelled()


def test_worker_processes_can_be_started_by_a_server(tmp_path: Path) -> None:
    with ThreadedProcessExecutor(2, processes=2, start_method="forkserver") as executor:
        assert len({pid for pid, _ in workers_at_once(executor, 2, tmp_path)}) == 2


def test_shutdown_lets_what_was_submitted_finish_and_leaves_no_process() -> None:
    executor = ThreadedProcessExecutor(2, processes=2)
    futures = [executor.submit(nap, 0.05, number) for number in range(10)]
    pids = [worker.process.pid for worker in executor._workers]
    executor.shutdown(wait=True)
    assert [future.result(0) for future in futures] == [*range(10)]
    assert gone(*filter(None, pids))
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(echo, 1)
    executor.shutdown()


def test_shutdown_can_drop_what_has_not_begun_and_need_not_wait(tmp_path: Path) -> None:
    executor = ThreadedProcessExecutor(1)
    pids = [worker.process.pid for worker in executor._workers]
    first = executor.submit(jobs.meet, str(tmp_path), "the first", 2)
    others = [executor.submit(echo, number) for number in range(5)]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in others)
    assert not first.done()
    (tmp_path / "the second").touch()
    assert first.result(30)[0] in pids
    assert gone(*filter(None, pids))


def test_terminated_workers_are_gone_with_what_they_were_doing(executor: ThreadedProcessExecutor) -> None:
    futures = [executor.submit(nap, 60) for _ in range(4)]
    pids = [worker.process.pid for worker in executor._workers]
    executor.terminate_workers()
    assert not wait(futures, timeout=30).not_done
    assert all(isinstance(future.exception(), BrokenProcessPool) for future in futures)
    assert gone(*filter(None, pids))


def test_ctrl_c_in_the_terminal_is_not_for_the_workers(executor: ThreadedProcessExecutor) -> None:
    future = executor.submit(nap, 1.0, "done")
    for worker in executor._workers:
        os.kill(worker.process.pid or 0, signal.SIGINT)
    assert future.result(30) == "done"


def test_when_the_parent_is_killed_the_workers_end() -> None:
    code = (
        "import time\n"
        "from runner.executors.processes import ThreadedProcessExecutor\n"
        "if __name__ == '__main__':\n"
        "    executor = ThreadedProcessExecutor(2, processes=2)\n"
        "    executor.submit(time.sleep, 1000)\n"
        "    print(*[worker.process.pid for worker in executor._workers], flush=True)\n"
        "    time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    assert gone(*pids)


def test_a_worker_killed_in_mid_run_loses_its_own_hosts_and_the_others_are_ok() -> None:
    hosts = [Host(f"h{number}", {"do": "nap", "with": (0.05, number)}) for number in range(60)]
    hosts.insert(10, Host("doomed", {"do": "die"}))
    results = runner.run(hosts, jobs.host_by_name, executor="process", workers=8)
    assert len(results) == 61
    lost = [result for result in results.values() if result.status is Status.LOST]
    assert "doomed" in {result.host for result in lost}
    assert len(lost) <= 8
    assert all(result.sent and result.reason == "worker-died" for result in lost)
    assert all(result.ok for result in results.values() if result.status is not Status.LOST)


def test_a_job_that_is_safe_to_repeat_is_given_to_another_worker(tmp_path: Path) -> None:
    hosts = [Host(f"h{number}", {"do": "nap", "with": (0.05, number)}) for number in range(30)]
    hosts.insert(5, Host("once", {"do": "die_once", "with": (str(tmp_path / "died"),)}))
    results = runner.run(hosts, jobs.host_by_name, executor="process", workers=4, repeatable=True)
    assert [result.host for result in results.values() if not result.ok] == []
    assert results["once"].value == "well"


def test_a_host_that_kills_every_worker_is_not_given_to_a_fourth() -> None:
    hosts = [Host("doomed", {"do": "die"}), *(Host(f"h{n}", {"do": "echo", "with": (n,)}) for n in range(9))]
    results = runner.run(hosts, jobs.host_by_name, executor="process", workers=2, repeatable=True)
    assert results["doomed"].status is Status.LOST
    assert results["doomed"].sent
    assert len(results) == 10
