"""The thread executor: as `concurrent.futures` says, but never what keeps a program from ending."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import wait

import pytest

from runner.executors.threads import DaemonThreadExecutor
from tests.executors.jobs import echo, fail, nap, where


def test_calls_run_at_once_up_to_the_number_of_workers() -> None:
    barrier = threading.Barrier(5, timeout=30)
    with DaemonThreadExecutor(5) as executor:
        assert sorted(future.result() for future in [executor.submit(barrier.wait) for _ in range(5)]) == [
            *range(5)
        ]


def test_no_more_threads_are_started_than_are_needed() -> None:
    with DaemonThreadExecutor(50) as executor:
        places = {executor.submit(where).result() for _ in range(20)}
        assert len(places) <= 2


def test_more_calls_than_workers_are_all_done() -> None:
    with DaemonThreadExecutor(3) as executor:
        futures = [executor.submit(echo, number) for number in range(500)]
    assert [future.result() for future in futures] == [*range(500)]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_future_carries_whatever_its_call_raised(kind: type[BaseException]) -> None:
    with DaemonThreadExecutor(1) as executor:
        assert isinstance(executor.submit(fail, kind).exception(timeout=30), kind)
        assert executor.submit(echo, 1).result(timeout=30) == 1


def test_after_shutdown_nothing_is_taken() -> None:
    executor = DaemonThreadExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(echo, 1)


def test_shutdown_cancels_what_waits_if_told_to_and_lets_the_rest_finish() -> None:
    executor = DaemonThreadExecutor(1)
    entered = threading.Event()
    running = executor.submit(lambda: (entered.set(), nap(0.1, "done"))[1])
    waiting = [executor.submit(echo, number) for number in range(3)]
    assert entered.wait(30)
    executor.shutdown(wait=True, cancel_futures=True)
    assert running.result() == "done"
    assert all(future.cancelled() for future in waiting)
    assert not wait(waiting, timeout=0).not_done
    executor.shutdown()


def test_a_call_that_never_ends_does_not_keep_the_program_from_ending() -> None:
    code = (
        "import time\n"
        "from runner.executors import thread\n"
        "thread(2).submit(time.sleep, 1000)\n"
        "print('end', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
