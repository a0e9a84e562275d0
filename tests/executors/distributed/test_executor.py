"""Hosts over Dask workers: a dead worker loses only its own calls, and no call is done twice."""

from __future__ import annotations

import signal
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Host, Status
from runner.errors import UsageError
from runner.executors import dask
from runner.executors.answers import NotBegun
from runner.executors.distributed.executor import DaskExecutor, WorkerLost
from tests.executors import jobs
from tests.executors.dask_cluster import Cluster, running_cluster
from tests.executors.jobs import Stubborn, Unpicklable, Unreadable, echo, fail, make, meet, nap, where
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path


@pytest.fixture
def executor(dask_cluster: Cluster) -> Iterator[DaskExecutor]:
    found = dask(8, dask_cluster.address)
    assert isinstance(found, DaskExecutor)
    yield found
    found.terminate_workers()
    found.shutdown()


def test_calls_are_spread_over_workers_and_threads(executor: DaskExecutor, tmp_path: Path) -> None:
    # No call ends before all have begun.
    futures = [executor.submit(meet, str(tmp_path), str(number), 8) for number in range(8)]
    places = {future.result(60) for future in futures}
    assert len({pid for pid, _ in places}) == 2
    assert len(places) == 8


def test_answers_come_one_by_one_though_calls_travel_together(executor: DaskExecutor, tmp_path: Path) -> None:
    slow = [executor.submit(meet, str(tmp_path), str(number), 5) for number in range(4)]
    quick = [executor.submit(echo, number) for number in range(4)]
    assert [future.result(30) for future in quick] == [0, 1, 2, 3]
    assert not any(future.done() for future in slow)
    (tmp_path / "the fifth").touch()
    assert not wait(slow, timeout=60).not_done


def test_large_arguments_and_results_travel(executor: DaskExecutor) -> None:
    data = b"x" * 5_000_000
    assert executor.submit(echo, data).result(60) == data


def test_what_cannot_travel_is_that_calls_own_matter(executor: DaskExecutor) -> None:
    with pytest.raises(TypeError, match="stays here"):
        executor.submit(echo, Unpicklable())
    with pytest.raises(NotBegun, match="cannot be made again"):
        executor.submit(echo, Unreadable()).result(30)
    with pytest.raises(TypeError, match="stays here"):
        executor.submit(make, Unpicklable).result(30)
    with pytest.raises(RuntimeError, match="Stubborn: one"):
        executor.submit(fail, Stubborn, "one", "two").result(30)
    assert isinstance(executor.submit(fail, SystemExit, "why").exception(30), SystemExit)
    assert executor.submit(echo, 1).result(30) == 1


def test_shutdown_lets_what_was_submitted_finish(dask_cluster: Cluster) -> None:
    executor = dask(4, dask_cluster.address)
    futures = [executor.submit(nap, 0.05, number) for number in range(10)]
    executor.shutdown(wait=True)
    assert [future.result(0) for future in futures] == [*range(10)]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(echo, 1)


def test_terminated_workers_fail_the_running_calls_at_once(executor: DaskExecutor, tmp_path: Path) -> None:
    futures = [executor.submit(meet, str(tmp_path), str(number), 5) for number in range(4)]
    assert comes_true(lambda: len(list(tmp_path.iterdir())) == 4)
    executor.terminate_workers()
    assert not wait(futures, timeout=0).not_done
    assert {str(future.exception()) for future in futures} == {"the run was ended"}
    assert all(isinstance(future.exception(), WorkerLost) for future in futures)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(echo, 1)
    (
        tmp_path / "the fifth"
    ).touch()  # the workers are not ours to end, so the calls have to end by themselves


def test_workers_are_told_beside_what_they_do(executor: DaskExecutor, tmp_path: Path) -> None:
    notes, others = tmp_path / "notes", tmp_path / "others"
    notes.mkdir()
    others.mkdir()
    running = executor.submit(meet, str(others), "call", 2)
    executor.tell_workers(jobs.note, str(notes))
    assert comes_true(lambda: len(list(notes.iterdir())) == 2)
    assert not running.done()
    (others / "test").touch()
    assert running.result(60)


def test_an_executor_knows_how_many_workers_there_are_and_that_they_are_not_its_own(
    executor: DaskExecutor,
) -> None:
    assert executor.processes == 2
    assert executor.elsewhere


def test_a_call_for_a_resource_runs_on_the_worker_that_has_it(
    executor: DaskExecutor, dask_cluster: Cluster
) -> None:
    futures = [executor.submit_to("site-b", where) for _ in range(6)]
    assert {future.result(30)[0] for future in futures} == {dask_cluster.workers[1].pid}


def test_a_call_for_a_resource_that_no_worker_has_is_refused_at_once(executor: DaskExecutor) -> None:
    with pytest.raises(RuntimeError, match="no Dask worker has the resource 'site-c'; there are: site-b"):
        executor.submit_to("site-c", where)


def test_workers_with_another_version_of_this_package_are_not_used(
    dask_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.executors.distributed.executor.__version__", "0.0.1")
    expected = (
        rf"--executor dask: Dask worker tcp://.* it has invoke-runner {runner.__version__}, not 0\.0\.1"
    )
    with pytest.raises(UsageError, match=expected):
        dask(1, dask_cluster.address)


def test_a_host_goes_to_a_worker_with_the_resource_that_it_names(dask_cluster: Cluster) -> None:
    at_b = [Host(f"b{n}", {"do": "where", "runner_dask_resource": "site-b"}) for n in range(6)]
    lost = Host("c", {"do": "where", "runner_dask_resource": "site-c"})
    results = runner.run(
        [*at_b, lost], jobs.host_by_name, executor="dask", scheduler=dask_cluster.address, workers=4
    )
    assert {results[host.name].value[0] for host in at_b} == {dask_cluster.workers[1].pid}
    assert results["c"].status is Status.ERROR
    assert results["c"].reason == "not-submitted"
    assert "no Dask worker has the resource 'site-c'; there are: site-b" in str(results["c"].error)


def test_a_worker_killed_in_mid_run_loses_its_own_hosts_and_the_others_are_ok(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as cluster:
        hosts = [Host(f"h{n:03}", {"do": "nap", "with": (0.2, n)}) for n in range(200)]
        found: list[runner.HostResult] = []
        results = runner.stream(
            hosts, jobs.host_by_name, executor="dask", scheduler=cluster.address, workers=20
        )
        for result in results:
            found.append(result)
            if len(found) == 40:
                cluster.workers[0].send_signal(signal.SIGKILL)
        assert sorted(result.host for result in found) == [host.name for host in hosts]
        lost = [result for result in found if result.status is Status.LOST]
        assert 0 < len(lost) <= 20
        assert {(result.reason, result.sent) for result in lost} == {("worker-died", True)}
        assert all(result.ok for result in found if result.status is not Status.LOST)


@contextmanager
def at_work(tmp_path: Path) -> Iterator[tuple[Cluster, Executor, list[Future[Any]], Path]]:
    """A new cluster and four calls that have begun there, each of which has left a file in the folder."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with running_cluster(tmp_path) as cluster:
        executor = dask(4, cluster.address)
        futures = [executor.submit(jobs.mark_and_nap, str(marks), n, 60.0) for n in range(4)]
        assert comes_true(lambda: len(list(marks.iterdir())) == 4)
        yield cluster, executor, futures, marks


def test_what_was_under_way_on_a_dead_worker_is_not_done_again(tmp_path: Path) -> None:
    with at_work(tmp_path) as (cluster, executor, futures, marks):
        for worker in cluster.workers[:]:
            worker.send_signal(signal.SIGKILL)
        cluster.add()
        assert all(isinstance(future.exception(30), WorkerLost) for future in futures)
        assert executor.submit(echo, "by the new one").result(30) == "by the new one"
        assert len(list(marks.iterdir())) == 4, "a call was done twice"
        executor.shutdown()


def test_without_its_scheduler_a_run_ends_and_every_host_has_its_result(tmp_path: Path) -> None:
    with at_work(tmp_path) as (cluster, executor, futures, _):
        cluster.stack.close()
        assert not wait(futures, timeout=60).not_done
        assert all(isinstance(future.exception(), WorkerLost) for future in futures)
        executor.shutdown(wait=False)


def test_a_function_that_workers_cannot_import_is_told(
    dask_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def job(session):\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    (result,) = runner.stream([Host("h")], only_here.job, executor="dask", scheduler=dask_cluster.address)
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "not-begun", False)
    assert "No module named 'only_here'" in str(result.error)
