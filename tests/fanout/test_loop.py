"""The loop of a run: one result for each host, whatever happens, and no more hosts at work than permitted."""

from __future__ import annotations

import resource
import threading
import time
from itertools import pairwise
from typing import Any

import pytest

import runner
from runner import Host, HostResult, Status
from runner.demo import Device, Fleet, replicas
from runner.errors import PermissionMissing
from runner.fanout import Control
from runner.text.quantities import Spread, share, shares
from tests.executors import jobs
from tests.fanout.runs import fan_out, hosts, statuses


def test_no_more_hosts_are_at_work_than_there_are_workers() -> None:
    at_work, most, lock = 0, 0, threading.Lock()
    seven = threading.Barrier(7, timeout=60)

    def work(_session: object) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        seven.wait()
        with lock:
            at_work -= 1

    assert set(statuses(fan_out(hosts(49), work, workers=7)).values()) == {Status.OK}
    assert most == 7


@pytest.mark.parametrize(("limit", "failing", "cancelled"), [("0", 1, 9), ("2", 3, 7), ("20%", 3, 7)])
def test_when_too_many_fail_no_more_are_started(limit: str, failing: int, cancelled: int) -> None:
    chosen = hosts(10, do="fail", **{"with": (ValueError, "x")})
    found = list(fan_out(chosen, jobs.host_by_name, workers=1, max_fail=share(limit)))
    assert [result.status for result in found] == [Status.ERROR] * failing + [Status.CANCELLED] * cancelled
    assert {(result.reason, result.sent) for result in found[failing:]} == {("max-fail", False)}


def test_batches_follow_one_another_and_the_last_size_is_used_again() -> None:
    begun: list[int] = []
    done: list[HostResult] = []
    done.extend(
        fan_out(
            hosts(11),
            batches=shares("1,30%"),
            starting=lambda names: begun.extend([len(done)] * len(names)),
        )
    )
    assert begun == [0, *[1] * 3, *[4] * 3, *[7] * 3, 10]


def test_a_batch_in_which_no_host_is_ok_is_the_last() -> None:
    chosen = [Host("bad", {"do": "fail", "with": (ValueError,)}), *hosts(5, do="echo", **{"with": (1,)})]
    found = statuses(fan_out(chosen, jobs.host_by_name, batches=shares("1")))
    assert found.pop("bad") is Status.ERROR
    assert set(found.values()) == {Status.SKIPPED}


def test_a_batch_in_which_one_host_is_ok_is_followed_by_the_next() -> None:
    chosen = [Host("bad", {"do": "fail", "with": (ValueError,)}), *hosts(5, do="echo", **{"with": (1,)})]
    found = statuses(fan_out(chosen, jobs.host_by_name, batches=shares("2")))
    assert list(found.values()).count(Status.OK) == 5


def test_a_rate_spaces_the_starts() -> None:
    starts: list[float] = []
    found = fan_out(
        hosts(6), rate=20.0, starting=lambda names: starts.extend(time.monotonic() for _ in names)
    )
    assert len(statuses(found)) == 6
    assert all(later - earlier > 0.04 for earlier, later in pairwise(starts))


def test_hosts_of_one_site_are_never_at_work_together() -> None:
    chosen = [Host(f"h{n:02}", {"site": n % 3}) for n in range(30)]
    at_work: list[int] = []
    together, lock = 0, threading.Lock()

    def work(session: Any) -> None:
        nonlocal together
        site = session.variables["site"]
        with lock:
            together += site in at_work
            at_work.append(site)
        time.sleep(0.005)
        with lock:
            at_work.remove(site)

    assert set(statuses(fan_out(chosen, work, workers=10, spread=Spread("site"))).values()) == {Status.OK}
    assert together == 0


@pytest.mark.parametrize("executor", ["serial", "thread", "process"])
def test_when_the_time_of_the_run_is_over_what_runs_is_ended_and_the_rest_not_started(executor: str) -> None:
    chosen = [Host(f"h{n}", {"ansible_connection": "local"}) for n in range(4)]
    begin = time.monotonic()
    options = {"executor": executor, "workers": 2, "spare": "0", "timeout_total": "4s"}
    results = runner.run(chosen, "sleep 60", **options)
    assert time.monotonic() - begin < 40
    assert {(str(result.status), result.reason) for result in results.values()} == {
        ("cancelled", "run-deadline")
    }
    assert all("4 s were over (--timeout-total)" in str(result.error) for result in results.values())
    assert not results["h3"].sent


def test_a_run_that_is_in_time_knows_nothing_of_its_deadline() -> None:
    assert set(statuses(fan_out(hosts(20), total_s=60.0)).values()) == {Status.OK}
    for timer in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        timer.join(10)  # one that was called off ends when it next has a turn
        assert not timer.is_alive()


def test_hosts_that_hang_keep_nobody_waiting() -> None:
    """Every twentieth hangs; without spares four of them would hold all four workers."""
    release = threading.Event()
    healthy = 0

    def work(session: Any) -> None:
        if int(session.name[1:]) % 20 == 7:
            release.wait(60)
        time.sleep(0.01)

    for result in fan_out(hosts(100), work, workers=6, spare=share("100%")):
        healthy += result.ok
        if healthy == 95:
            release.set()
    assert healthy == 100


def test_the_number_of_workers_that_goes_well_is_found_out_and_can_be_asked_for() -> None:
    control = Control()
    seen = []
    for result in fan_out(hosts(300), control=control, workers=60, adaptive=True):
        assert result.ok
        seen.append(control.workers)
    assert seen[0] <= 21
    assert 20 < max(seen) <= 60


def test_an_observer_that_fails_is_not_what_stops_a_run(caplog: pytest.LogCaptureFixture) -> None:
    def starting(_names: object) -> None:
        raise OSError("disk full")

    assert set(statuses(fan_out(hosts(3), starting=starting)).values()) == {Status.OK}
    assert "an observer of the run failed" in caplog.text


class Poisoned(dict[str, Any]):
    """Variables that raise when a probe looks at them."""

    def get(self, *_arguments: Any) -> Any:
        raise OSError("poisoned")


def test_a_probe_that_breaks_leaves_no_host_without_a_result() -> None:
    chosen = [*hosts(5), Host("poisoned", Poisoned())]
    found = list(fan_out(chosen, ping=True))
    assert len(found) == 6
    assert {result.status for result in found} <= {Status.ERROR, Status.UNREACHABLE}
    assert any("poisoned" in str(result.error) for result in found)


def test_what_keeps_all_hosts_from_being_pinged_is_raised_before_any_is_touched() -> None:
    from runner.reach import icmp_permitted

    if icmp_permitted() is None:
        pytest.skip("this user may send ICMP echo")
    with pytest.raises(PermissionMissing):
        list(runner.stream(hosts(3), jobs.host_name, no_ping=False, method="icmp"))


def test_hosts_that_do_not_answer_a_ping_are_not_handed_to_workers() -> None:
    begun: list[str] = []
    devices = (*replicas(Device("m"), 3), Device("down", listening=False))
    with Fleet(devices) as fleet:
        chosen = [
            Host(d.name, {"ansible_host": "127.0.0.1", "ansible_port": fleet.endpoint(d.name).port})
            for d in devices
        ]
        found = statuses(fan_out(chosen, ping=True, starting=begun.extend))
    assert found.pop("down") is Status.UNREACHABLE
    assert set(found) == set(begun)
    assert set(found.values()) == {Status.OK}


def test_an_interrupt_in_a_script_ends_the_run_and_leaves_nothing() -> None:
    def interrupt(_session: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(fan_out(hosts(4), interrupt, executor="serial"))


def test_ten_thousand_hosts_that_need_no_network_are_done_at_once_and_in_flat_memory() -> None:
    chosen = hosts(10_000)
    assert all(result.ok for result in fan_out(chosen[:2000]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    assert sum(result.value == result.host for result in fan_out(chosen)) == 10_000
    assert time.process_time() - begin < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB


def test_results_are_not_kept_once_they_are_handed_on() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    big = hosts(400, do="echo", **{"with": ("x",)})

    def print_a_lot(_session: object) -> str:
        return "x" * 1_000_000

    assert sum(len(str(result.value)) for result in fan_out(big, print_a_lot, workers=10)) == 400_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB
