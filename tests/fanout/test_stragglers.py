"""Stragglers: other hosts start while a host hangs."""

from __future__ import annotations

from runner.fanout.stragglers import Stragglers


def seasoned(usual_s: float = 1.0) -> Stragglers:
    """One that has seen twenty hosts, each of which took that long."""
    overdue = Stragglers()
    for number in range(20):
        overdue.began(f"before{number}", 0.0)
        overdue.ended(f"before{number}", usual_s, usual=True)
    return overdue


def test_who_takes_half_as_long_again_as_the_others_is_overdue() -> None:
    overdue = seasoned()
    overdue.began("slow", 10.0)
    assert overdue.next_moment(10.0, 9) == 11.5
    assert overdue.count(11.4, 9) == 0
    assert overdue.count(11.5, 9) == 1
    assert overdue.ended("slow", 12.0, usual=True) == 10.0
    assert overdue.count(12.0, 9) == 0


def test_no_more_are_replaced_than_there_are_spares() -> None:
    overdue = seasoned()
    for number in range(5):
        overdue.began(f"h{number}", 10.0)
    assert overdue.count(99.0, 2) == 2
    assert overdue.next_moment(99.0, 2) is None


def test_without_spares_nobody_is_replaced() -> None:
    overdue = seasoned()
    overdue.began("slow", 10.0)
    assert overdue.count(99.0, 0) == 0
    assert overdue.next_moment(99.0, 0) is None


def test_as_long_as_nobody_knows_what_is_usual_nobody_is_overdue() -> None:
    overdue = Stragglers()
    overdue.began("first", 0.0)
    assert overdue.count(99.0, 9) == 0
    assert overdue.next_moment(0.0, 9) is None


def test_the_time_that_a_deadline_took_is_not_what_is_usual() -> None:
    overdue = seasoned()
    for number in range(100):
        overdue.began(f"dead{number}", 0.0)
        overdue.ended(f"dead{number}", 60.0, usual=False)
    overdue.began("slow", 100.0)
    assert overdue.count(102.0, 9) == 1


def test_where_all_are_quick_a_little_longer_is_not_long() -> None:
    overdue = seasoned(usual_s=0.001)
    overdue.began("h", 10.0)
    assert overdue.count(10.09, 9) == 0
    assert overdue.count(10.11, 9) == 1
