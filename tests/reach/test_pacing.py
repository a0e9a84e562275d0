"""When probes may be sent, and in what order."""

from __future__ import annotations

import pytest

from runner.reach.pacing import Deadlines, TokenBucket, interleave


def test_a_bucket_grants_its_rate_over_time_whatever_the_steps() -> None:
    bucket = TokenBucket(1000, 0.0)
    granted = sum(bucket.take(64, step / 1000) for step in range(1, 1001))
    assert granted == pytest.approx(1000, abs=11)


def test_a_bucket_never_bursts_beyond_ten_milliseconds_worth() -> None:
    bucket = TokenBucket(1000, 0.0)
    assert bucket.take(500, 0.0) == 10
    assert bucket.take(500, 60.0) == 10


def test_a_slow_bucket_still_grants_one_at_a_time() -> None:
    bucket = TokenBucket(2, 0.0)
    assert bucket.take(5, 0.0) == 1
    assert bucket.take(5, 0.4) == 0
    assert bucket.next_grant() == pytest.approx(0.5)
    assert bucket.take(5, 0.5) == 1


def test_a_fast_bucket_wakes_nobody_for_less_than_half_a_burst() -> None:
    bucket = TokenBucket(10_000, 0.0)
    assert bucket.take(100, 0.0) == 100
    assert bucket.take(100, 0.004) == 0
    assert bucket.next_grant() == pytest.approx(0.005)
    assert bucket.take(100, 0.005) == 50


@pytest.mark.parametrize("rate", [None, 0])
def test_no_rate_is_no_limit(rate: float | None) -> None:
    bucket = TokenBucket(rate, 5.0)
    assert bucket.take(10**6, 5.0) == 10**6
    assert bucket.next_grant() == 5.0


def test_grants_that_were_given_back_are_granted_again() -> None:
    bucket = TokenBucket(1000, 0.0)
    bucket.give_back(bucket.take(10, 0.0))
    assert bucket.take(10, 0.0) == 10


def test_items_fall_due_in_order_after_the_delay() -> None:
    deadlines: Deadlines[str] = Deadlines(1.0)
    deadlines.add("first", 10.0)
    deadlines.add("second", 10.5)
    assert deadlines.next_due() == 11.0
    assert list(deadlines.expired(10.9)) == []
    assert list(deadlines.expired(11.0)) == ["first"]
    assert list(deadlines.expired(99.0)) == ["second"]
    assert deadlines.next_due() is None


def test_subnets_take_turns() -> None:
    hosts = ["a1", "a2", "a3", "b1", "c1", "c2"]
    assert interleave(hosts, lambda host: host[0]) == ["a1", "b1", "c1", "a2", "c2", "a3"]
