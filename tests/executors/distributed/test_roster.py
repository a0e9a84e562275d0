"""The list of workers: each call goes to the worker with the fewest calls among those that fit."""

from __future__ import annotations

import pytest

from runner.executors.distributed.roster import Roster, Site


@pytest.fixture
def a() -> Site:
    return Site("tcp://10.0.0.1:1", "Worker-a", frozenset({"site-a", "fast"}))


@pytest.fixture
def b() -> Site:
    return Site("tcp://10.0.0.2:1", "Worker-b", frozenset({"site-b", "fast"}))


@pytest.fixture
def roster(a: Site, b: Site) -> Roster:
    """A roster with two idle workers."""
    found = Roster()
    found.add(a)
    found.add(b)
    return found


def test_an_empty_roster_has_no_worker_for_a_call() -> None:
    roster = Roster()

    assert len(roster) == 0
    assert roster.addresses() == set()
    assert roster.resources() == []
    assert roster.least_busy(None) is None


def test_a_roster_lists_the_addresses_of_its_workers(roster: Roster, a: Site, b: Site) -> None:
    assert len(roster) == 2
    assert roster.addresses() == {a.address, b.address}


def test_each_resource_is_listed_once_in_order(roster: Roster) -> None:
    assert roster.resources() == ["fast", "site-a", "site-b"]


def test_a_new_worker_replaces_the_one_at_its_address(roster: Roster, a: Site) -> None:
    successor = Site(a.address, "Worker-c", frozenset({"site-c"}))

    assert roster.add(successor) is a
    assert len(roster) == 2
    assert roster.least_busy("site-c") is successor
    assert roster.least_busy("site-a") is None


def test_a_worker_at_a_new_address_replaces_none(roster: Roster) -> None:
    assert roster.add(Site("tcp://10.0.0.3:1", "Worker-c")) is None
    assert len(roster) == 3


def test_a_removed_worker_is_returned_with_its_calls_and_gets_no_more(
    roster: Roster, a: Site, b: Site
) -> None:
    a.calls |= {1, 2}
    b.calls |= {3, 4, 5}

    (gone,) = roster.remove([a.address])

    assert gone is a
    assert gone.calls == {1, 2}
    assert roster.addresses() == {b.address}
    assert roster.least_busy(None) is b


def test_to_remove_an_unknown_address_changes_nothing(roster: Roster) -> None:
    assert roster.remove(["tcp://10.0.0.9:1"]) == []
    assert len(roster) == 2


def test_all_workers_can_be_removed_by_the_rosters_own_addresses(roster: Roster) -> None:
    assert len(roster.remove(roster.addresses())) == 2
    assert len(roster) == 0


def test_a_call_goes_to_the_worker_with_the_fewest_calls(roster: Roster, a: Site, b: Site) -> None:
    a.calls |= {1, 2}
    b.calls |= {3}
    assert roster.least_busy(None) is b

    b.calls |= {4, 5}
    assert roster.least_busy(None) is a


def test_a_call_for_a_resource_goes_to_a_worker_that_has_it_though_others_are_less_busy(
    roster: Roster, a: Site
) -> None:
    a.calls |= {1, 2}

    assert roster.least_busy("site-a") is a


def test_among_workers_with_a_resource_the_least_busy_gets_the_call(roster: Roster, a: Site, b: Site) -> None:
    a.calls |= {1}
    assert roster.least_busy("fast") is b


def test_no_worker_gets_a_call_for_a_resource_that_none_has(roster: Roster) -> None:
    assert roster.least_busy("site-c") is None


def test_calls_that_are_given_to_the_least_busy_are_spread_evenly(roster: Roster, a: Site, b: Site) -> None:
    for number in range(10):
        site = roster.least_busy(None)
        assert site is not None
        site.calls.add(number)

    assert (len(a.calls), len(b.calls)) == (5, 5)
