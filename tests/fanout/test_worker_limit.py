"""How many at once go well: found out by what happens to hosts, on a clock of the test's own."""

from __future__ import annotations

import pytest

from runner.fanout.worker_limit import Adaptive, Fixed, strained
from runner.models import HostResult, Status

OK = HostResult("h", Status.OK, attempts=1)
BUSY = HostResult("h", Status.UNREACHABLE, reason="busy", attempts=1)


def feed(workers: Adaptive, *results: HostResult, now: float = 1.0, began: float = 0.0) -> int:
    for result in results:
        workers.take(result, began, now, full=True)
    return workers.limit


def test_so_many_stay_so_many() -> None:
    workers = Fixed(7)
    workers.take(BUSY, 0.0, 1.0, full=True)
    assert workers.limit == 7


def test_it_begins_modestly_and_grows_with_every_host_that_goes_well_up_to_its_most() -> None:
    workers = Adaptive(100)
    assert workers.limit == 20
    assert feed(workers, *[OK] * 20) == 40
    assert feed(workers, *[OK] * 100) == 100
    assert Adaptive(5).limit == 5


def test_where_fewer_are_at_work_than_may_be_nothing_is_learnt_of_more() -> None:
    workers = Adaptive(100)
    workers.take(OK, 0.0, 1.0, full=False)
    assert workers.limit == 20


def test_more_than_a_tenth_of_passing_faults_halve_it() -> None:
    workers = Adaptive(100)
    assert feed(workers, *[OK] * 18, BUSY, BUSY) == 38
    assert feed(workers, BUSY) == 19


def test_what_was_begun_before_a_setback_does_not_count_a_second_time() -> None:
    workers = Adaptive(100)
    assert feed(workers, *[OK] * 8, BUSY, BUSY, now=10.0) == 14
    assert feed(workers, *[BUSY] * 50, now=11.0, began=9.0) == 14
    assert feed(workers, *[BUSY] * 10, now=12.0, began=10.5) == 7


def test_after_a_setback_it_grows_back_by_one_for_each_round_that_goes_well() -> None:
    workers = Adaptive(100)
    assert feed(workers, *[BUSY] * 10, now=10.0) == 10
    assert feed(workers, *[OK] * 9, now=12.0, began=11.0) == 10
    assert feed(workers, OK, now=12.0, began=11.0) == 11
    assert feed(workers, *[OK] * 11, now=12.0, began=11.0) == 12


def test_it_never_falls_below_one() -> None:
    workers = Adaptive(4)
    for moment in range(1, 20):
        feed(workers, *[BUSY] * 10, now=float(moment), began=float(moment))
    assert workers.limit == 1


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (OK, False),
        (HostResult("h", Status.OK, attempts=2), True),
        (BUSY, True),
        (HostResult("h", Status.UNREACHABLE, reason="kex-stalled", attempts=1), True),
        (HostResult("h", Status.UNREACHABLE, reason="port-closed", attempts=1), False),
        (HostResult("h", Status.AUTH, reason="login-refused", attempts=1), False),
        (HostResult("h", Status.FAILED, reason="exit-code", attempts=1), False),
    ],
)
def test_only_what_passes_and_comes_of_load_is_a_strain(result: HostResult, expected: bool) -> None:
    assert strained(result) is expected
