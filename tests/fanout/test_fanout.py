"""The functions of the package: `batches`, `stream` and `planned`."""

from __future__ import annotations

import random

import pytest

from runner import Host, Status
from runner.errors import UsageError
from runner.fanout import Control, FanoutOptions, batches, planned
from runner.jobs import FunctionJob
from runner.text.quantities import shares
from tests.executors import jobs
from tests.fanout.runs import fan_out, hosts, how, statuses


def test_the_order_of_the_hosts_changes_nothing_but_the_order() -> None:
    chosen = [*hosts(20, do="echo", **{"with": (1,)}), Host("bad", {"do": "fail", "with": (ValueError, "x")})]
    shuffled = random.Random(7).sample(chosen, len(chosen))
    expected = {host.name: Status.ERROR if host.name == "bad" else Status.OK for host in chosen}
    assert statuses(fan_out(chosen, jobs.host_by_name)) == expected
    assert statuses(fan_out(shuffled, jobs.host_by_name)) == expected


def test_hosts_are_started_in_the_order_that_was_asked_for() -> None:
    begun: list[str] = []
    list(fan_out(hosts(9), workers=1, order="reverse_sorted", starting=begun.extend))
    assert begun == sorted(begun, reverse=True)
    begun.clear()
    list(fan_out(hosts(9), order="shuffle", seed=3, batches=shares("1"), starting=begun.extend))
    assert begun != sorted(begun)


def test_the_plan_names_the_batches_that_the_run_starts() -> None:
    begun: list[str] = []
    order = {"order": "shuffle", "seed": 3, "batches": shares("1,3")}
    list(fan_out(hosts(9), workers=1, starting=begun.extend, **order))
    plan = list(planned(hosts(9), FanoutOptions(**order)))  # type: ignore[arg-type]
    assert [len(batch) for batch in plan] == [1, 3, 3, 2]
    assert [host.name for batch in plan for host in batch] == begun


def test_a_host_that_is_given_twice_is_planned_and_run_once() -> None:
    twice = [*hosts(2), *hosts(2)]
    assert [len(batch) for batch in planned(twice, FanoutOptions())] == [2]
    assert [result.host for result in fan_out(twice, workers=1)] == ["h00000", "h00001"]


def test_a_run_on_no_hosts_has_no_results_and_needs_no_executor() -> None:
    assert list(fan_out([], executor="unknown")) == []


def test_an_unknown_executor_is_reported_before_any_host_is_started() -> None:
    begun: list[str] = []
    with pytest.raises(UsageError, match="unknown"):
        list(fan_out(hosts(1), executor="unknown", starting=begun.extend))
    assert begun == []


def test_results_that_arrive_together_share_a_list() -> None:
    """A request to stop cancels all hosts at once."""
    control = Control()
    control.stop()
    job = FunctionJob(jobs.host_name)
    found = [len(results) for results in batches(hosts(4), job, control=control, **how())]
    assert [number for number in found if number] == [4]
    one_by_one = batches(hosts(3), job, **how(batches=shares("1")))
    assert [len(results) for results in one_by_one] == [1, 1, 1]
