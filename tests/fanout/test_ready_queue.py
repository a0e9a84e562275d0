"""Which hosts may start now: in order, at a rate, and with a limit for hosts of one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import Host
from runner.fanout.ready_queue import ReadyQueue
from runner.models import HostResult, Status
from runner.text.quantities import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS = [Host(f"h{number}") for number in range(6)]


def begun(starts: ReadyQueue, room: int, now: float = 0.0) -> list[str]:
    return [waiting.host.name for waiting in starts.take(room, now)]


def of_sites(*sites: object) -> Sequence[Host]:
    return [Host(f"h{number}", {"site": site}) for number, site in enumerate(sites)]


def test_there_start_as_many_as_there_is_room_for_in_their_order() -> None:
    starts = ReadyQueue(None)
    starts.open(HOSTS, ready=True)
    assert begun(starts, 2) == ["h0", "h1"]
    assert begun(starts, 0) == []
    assert begun(starts, 9) == ["h2", "h3", "h4", "h5"]
    assert starts.next_moment() is None


def test_of_those_that_answered_the_first_in_order_starts_first_with_what_its_probe_found() -> None:
    starts = ReadyQueue(None)
    starts.open(HOSTS, ready=False)
    assert begun(starts, 9) == []
    reached = HostResult("h4", Status.OK, rtt_ms=1.0)
    starts.add(4, reached)
    starts.add(2, None)
    assert starts.names() == {"h2", "h4"}
    taken = starts.take(9, 0.0)
    assert [waiting.host.name for waiting in taken] == ["h2", "h4"]
    assert taken[1].reached is reached


def test_who_waits_again_comes_before_all_that_stand_behind() -> None:
    starts = ReadyQueue(None)
    starts.open(HOSTS, ready=True)
    assert begun(starts, 3) == ["h0", "h1", "h2"]
    starts.add(1, None)
    assert starts.names() == {"h1", "h3", "h4", "h5"}
    assert begun(starts, 2) == ["h1", "h3"]
    starts.clear()
    assert begun(starts, 9) == []


def test_at_a_pace_one_starts_at_a_time() -> None:
    starts = ReadyQueue(2.0)
    starts.open(HOSTS, ready=True)
    assert begun(starts, 9, 100.0) == ["h0"]
    assert starts.next_moment() == 100.5
    assert begun(starts, 9, 100.4) == []
    assert begun(starts, 9, 100.5) == ["h1"]


def test_a_host_waits_for_another_of_its_kind_and_keeps_nobody_else_waiting() -> None:
    starts = ReadyQueue(None, Spread("site"))
    chosen = of_sites("a", "a", "b", "a", None)
    starts.open(chosen, ready=True)
    assert begun(starts, 2) == ["h0", "h2"]
    assert begun(starts, 2) == ["h4"]
    assert begun(starts, 2) == []
    assert starts.names() == {"h1", "h3"}
    starts.ended(chosen[2])
    assert begun(starts, 2) == []
    starts.ended(chosen[0])
    assert begun(starts, 2) == ["h1"]
    starts.ended(chosen[1])
    assert begun(starts, 2) == ["h3"]


def test_who_waited_for_its_kind_comes_before_all_that_stand_behind_it() -> None:
    starts = ReadyQueue(None, Spread("site"))
    chosen = of_sites("a", "a", None, None, None)
    starts.open(chosen, ready=True)
    assert begun(starts, 2) == ["h0", "h2"]
    starts.ended(chosen[0])
    assert begun(starts, 1) == ["h1"]


def test_several_of_a_kind_may_be_at_work_where_that_was_said() -> None:
    starts = ReadyQueue(None, Spread("site", 2))
    starts.open(of_sites("a", "a", "a"), ready=True)
    assert begun(starts, 9) == ["h0", "h1"]


@pytest.mark.parametrize("value", [None, ""])
def test_hosts_without_the_variable_are_bound_by_nothing(value: object) -> None:
    starts = ReadyQueue(None, Spread("site"))
    starts.open([*of_sites(value, value), Host("without")], ready=True)
    assert len(begun(starts, 9)) == 3


def test_values_that_are_no_texts_count_by_what_they_say() -> None:
    starts = ReadyQueue(None, Spread("site"))
    starts.open(of_sites(1, "1", ["x"], ["x"]), ready=True)
    assert begun(starts, 9) == ["h0", "h2"]
