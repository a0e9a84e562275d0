"""What holds for every executor: the same truth about each host, whichever does the work."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Host, Status, executors
from runner.connection.connections import Connections
from runner.demo import Device, Fleet, replicas
from runner.fanout import Control, FanoutOptions
from runner.fanout import stream as fan_out
from runner.jobs import FunctionJob
from runner.reach import ReachOptions
from runner.settings import Settings
from tests.executors import jobs
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner import HostResult
    from tests.executors.dask_cluster import Cluster

EXECUTORS = ("serial", "thread", "process", "dask")


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An executor's name; `dask` is two workers in processes of their own behind a real scheduler."""
    if request.param == "dask":
        cluster: Cluster = request.getfixturevalue("dask_cluster")
        monkeypatch.setenv("INVOKE_RUNNER_SCHEDULER", cluster.address)
    return str(request.param)


def where() -> dict[str, str | None]:
    """Where the scheduler of this test is, for those that need one."""
    return {"scheduler": os.environ.get("INVOKE_RUNNER_SCHEDULER")}


def told(name: str, do: str, *arguments: Any) -> Host:
    return Host(name, {"ansible_host": "127.0.0.1", "do": do, "with": arguments})


def test_the_executors_come_in_by_their_entry_points() -> None:
    assert set(EXECUTORS) <= set(executors.names())
    found = importlib.metadata.entry_points(group="runner.executors")
    assert {point.name for point in found if point.value.startswith("runner.")} == set(EXECUTORS)


def test_each_host_gets_its_own_answer(executor: str) -> None:
    hosts = [told(f"h{number}", "echo", number) for number in range(40)]
    results = runner.run(hosts, jobs.host_by_name, executor=executor, workers=8)
    assert list(results) == [host.name for host in hosts]
    assert [result.value for result in results.values()] == list(range(40))
    assert results.exit_code == 0


def test_many_hosts_each_get_what_is_theirs(executor: str) -> None:
    hosts = [told(f"h{number}", "answer", number) for number in range(3000)]
    results = runner.run(hosts, jobs.host_by_name, executor=executor, workers=100)
    for number in range(3000):
        result = results[f"h{number}"]
        if number % 100 == 1:
            assert (result.status, result.value) == (Status.ERROR, None)
        elif number % 20 == 2:
            assert (result.status, result.reason) == (Status.FAILED, "exit-code")
        else:
            assert (result.status, result.value) == (Status.OK, number)


def test_whatever_a_job_raises_is_that_hosts_error_and_no_others(executor: str) -> None:
    kinds = (ValueError, SystemExit, MemoryError, GeneratorExit, jobs.Mute, RecursionError)
    hosts = [told(kind.__name__, "fail", kind, "why") for kind in kinds] + [told("well", "echo", 1)]
    results = runner.run(hosts, jobs.host_by_name, executor=executor, workers=3)
    assert results["well"].value == 1
    for kind in kinds:
        result = results[kind.__name__]
        assert result.status in (Status.ERROR, Status.LOST)
        assert result.error
        assert kind.__name__ in result.error or kind is jobs.Mute


def test_an_error_that_needs_more_than_it_remembers_still_comes_back(executor: str) -> None:
    (result,) = runner.stream(
        [told("h", "fail", jobs.Stubborn, "one", "two")], jobs.host_by_name, executor=executor
    )
    assert result.status is Status.ERROR
    assert "Stubborn: one" in str(result.error)


def test_a_host_that_comes_twice_is_done_once(executor: str) -> None:
    results = list(runner.stream([told("h", "echo", 1)] * 3, jobs.host_by_name, executor=executor))
    assert [result.host for result in results] == ["h"]


def test_no_hosts_are_no_results(executor: str) -> None:
    assert list(runner.stream([], jobs.host_by_name, executor=executor)) == []


def test_the_first_result_arrives_before_the_last_host_is_started(executor: str) -> None:
    started: list[str] = []
    hosts = [told(f"h{number}", "nap", 0.02) for number in range(30)]
    results = fan_out(
        hosts,
        FunctionJob(jobs.host_by_name),
        run="streaming",
        connecting=Connections(Settings().connection_options()),
        options=FanoutOptions(executor, 4, ping=False, executor_settings=where()),
        reach=ReachOptions(),
        starting=started.extend,
    )
    next(results)
    assert 0 < len(started) < 30
    assert len(list(results)) == 29


def test_a_consumer_that_has_seen_enough_leaves_nothing_running(executor: str) -> None:
    before = set(threading.enumerate())
    hosts = [told("h0", "nap", 0.01), *(told(f"h{number}", "nap", 0.3) for number in range(1, 30))]
    results = runner.stream(hosts, jobs.host_by_name, executor=executor, workers=5)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert comes_true(
        lambda: not {thread for thread in set(threading.enumerate()) - before if working(thread)}
    )


def test_a_consumer_that_leaves_in_the_middle_of_logins_leaves_no_socket_and_no_process(
    executor: str, many: tuple[Host, ...]
) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    options = {"executor": executor, "workers": 8, "host_key_policy": "off", "no_ping": False}
    results = runner.stream(many, "show version", **options)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert comes_true(lambda: not multiprocessing.active_children())
    assert comes_true(
        lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 3
    )  # the resource tracker's


def test_a_run_that_is_stopped_lets_what_runs_finish_and_starts_no_more(executor: str) -> None:
    control = Control()
    hosts = [told(f"h{number}", "nap", 0.3, number) for number in range(20)]
    found = stopped(hosts, control, control.stop, executor)
    assert {result.status for result in found} == {Status.OK, Status.CANCELLED}
    assert len(found) == 20
    assert all(not result.sent for result in found if result.status is Status.CANCELLED)


def test_a_run_that_is_aborted_ends_though_jobs_do_not(executor: str) -> None:
    if executor == "serial":
        pytest.skip("a function that sleeps in the caller's own thread is the caller's")
    control = Control()
    begin = time.monotonic()
    found = stopped([told(f"h{n}", "nap", 60.0) for n in range(6)], control, control.abort, executor)
    assert [result.status for result in found] == [Status.CANCELLED] * 6
    assert time.monotonic() - begin < 30


def stopped(hosts: list[Host], control: Control, act: Any, executor: str) -> list[HostResult]:
    """Run hosts, and act as soon as one of them is at work."""

    def wait() -> None:
        comes_true(lambda: bool(control.running))
        act()

    options = FanoutOptions(executor, 3, ping=False, executor_settings=where())
    waiter = threading.Thread(target=wait)
    waiter.start()
    found = list(
        fan_out(
            hosts,
            FunctionJob(jobs.host_by_name),
            run=f"stopped-{executor}-{act.__name__}",
            connecting=Connections(Settings().connection_options()),
            options=options,
            reach=ReachOptions(),
            control=control,
        )
    )
    waiter.join()
    return found


@pytest.fixture(scope="module")
def many() -> Iterator[tuple[Host, ...]]:
    """Forty devices and one that is down, with their host keys not to be checked."""
    devices = (*replicas(Device("m"), 40), Device("down", listening=False))
    with Fleet(devices) as fleet:
        places = {device.name: fleet.endpoint(device.name) for device in devices}
        yield tuple(
            Host(
                name,
                {
                    "ansible_host": place.address,
                    "ansible_port": place.port,
                    "ansible_user": "demo",
                    "ansible_password": "demo",
                    "ansible_network_os": "cisco.ios.ios",
                },
            )
            for name, place in places.items()
        )


def test_real_devices_are_pinged_and_asked(executor: str, many: tuple[Host, ...]) -> None:
    hosts = many[-6:] if executor == "serial" else many
    options = {"executor": executor, "workers": 16, "host_key_policy": "off", "no_ping": False}
    results = runner.run(hosts, "show version", **options)
    assert results["down"].status is Status.UNREACHABLE
    assert not results["down"].sent
    for host in hosts[:-1]:
        assert results[host.name].ok, results[host.name]
        assert f"{host.name} uptime is" in results[host.name].stdout
        assert results[host.name].rtt_ms is not None
    assert results.exit_code == 4


def test_a_third_partys_executor_comes_in_by_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_executors.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor as pool\n"
        "def nonsense(workers):\n"
        "    class Nonsense(pool):\n"
        "        def submit(self, fn, /, host, *args, **kwargs):\n"
        "            if host.name == 'refused':\n"
        "                raise OSError('no room')\n"
        "            if host.name == 'garbled':\n"
        "                return super().submit(str, 'no result')\n"
        "            if host.name == 'interrupted':\n"
        "                return super().submit(interrupt)\n"
        "            return super().submit(fn, host, *args, **kwargs)\n"
        "    return Nonsense(workers)\n"
        "def interrupt():\n"
        "    raise KeyboardInterrupt\n"
        "def broken(workers):\n"
        "    raise OSError('no cluster at tcp://scheduler')\n"
    )
    info = tmp_path / "their_executors-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-executors\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[runner.executors]\nnonsense = their_executors:nonsense\nbroken = their_executors:broken\n"
        "missing = not_there:make\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("refused", "garbled", "interrupted", "well")
    results = runner.run(
        [told(name, "echo", name) for name in names], jobs.host_by_name, executor="nonsense", workers=2
    )
    assert [(str(result.status), result.reason) for result in results.values()] == [
        ("error", "not-submitted"),
        ("lost", "result-lost"),
        ("lost", "result-lost"),
        ("ok", None),
    ]
    assert not results["refused"].sent
    with pytest.raises(runner.errors.UsageError, match=r"--executor broken cannot be started: .*no cluster"):
        runner.run([told("h", "echo")], jobs.host_by_name, executor="broken")
    with pytest.raises(runner.errors.UsageError, match="--executor missing cannot be started"):
        runner.run([told("h", "echo")], jobs.host_by_name, executor="missing")
    with pytest.raises(runner.errors.UsageError, match=r"'nothing' is not known; known: .*nonsense"):
        runner.run([told("h", "echo")], jobs.host_by_name, executor="nothing")


def working(thread: threading.Thread) -> bool:
    """Whether it is one that a run started for itself; the watchdog is one for the whole process."""
    return thread.is_alive() and thread.name != "runner-watchdog"
