"""The events of a run: all of them arrive through the queue of its `Control`."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, get_args

import pytest

from runner import Host, HostResult, Status
from runner.fanout import Control, events
from runner.fanout.events import Event, Finished, PingsEnded, Reached, Stop
from runner.text.quantities import shares
from tests.fanout.runs import fan_out, hosts
from tests.liveness import comes_true
from tests.reach.servers import closed_port, greets, listening

if TYPE_CHECKING:
    from collections.abc import Iterator


class Recording(SimpleQueue[Event]):
    """A queue that keeps every event it was given."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def put(self, item: Event, block: bool = True, timeout: float | None = None) -> None:
        self.seen.append(item)
        super().put(item, block, timeout)


@pytest.fixture
def up() -> Iterator[Host]:
    """A host that answers the ping."""
    with listening(greets) as port:
        yield Host("up", {"ansible_host": "127.0.0.1", "ansible_port": port})


@pytest.fixture
def down() -> Host:
    return Host("down", {"ansible_host": "127.0.0.1", "ansible_port": closed_port()})


def record(chosen: list[Host], **how: Any) -> tuple[list[Event], dict[str, HostResult]]:
    """Run a function on hosts; return the events of the run and the results."""
    control, queue = Control(), Recording()
    control._events = queue
    results = {result.host: result for result in fan_out(chosen, control=control, **how)}
    return queue.seen, results


def pings_ended(seen: list[Event]) -> list[PingsEnded]:
    """Return the ends of pings: the thread of the pings may be later than the last result."""
    return [event for event in seen if isinstance(event, PingsEnded)]


def test_event_is_one_of_all_kinds() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == set(events.__all__) - {"Event"}


def test_a_host_that_is_up_is_reached_and_then_finished(up: Host) -> None:
    seen, results = record([up], ping=True)
    reached, finished = (event for event in seen if not isinstance(event, PingsEnded))
    assert isinstance(reached, Reached)
    assert (reached.result.host, reached.result.status) == ("up", Status.OK)
    assert isinstance(finished, Finished)
    assert finished.host is up
    assert finished.reached is reached.result
    assert finished.future.result() == results["up"]


def test_a_host_that_is_down_is_reached_only(down: Host) -> None:
    seen, results = record([down], ping=True)
    assert seen[0] == Reached(results["down"])
    assert comes_true(lambda: seen[1:] == [PingsEnded([down], None)])
    assert results["down"].status is Status.UNREACHABLE


def test_without_a_ping_a_host_is_finished_only() -> None:
    (host,) = hosts(1)
    (event,), results = record([host])
    assert isinstance(event, Finished)
    assert (event.host, event.reached) == (host, None)
    assert event.future.result() == results[host.name]


def test_the_pings_of_each_batch_end_once(up: Host, down: Host) -> None:
    seen, _ = record([up, down], ping=True, batches=shares("1"))
    assert comes_true(lambda: len(pings_ended(seen)) == 2)
    ends = sorted(pings_ended(seen), key=lambda end: end.hosts[0].name)
    assert ends == [PingsEnded([down], None), PingsEnded([up], None)]


@pytest.mark.parametrize("now", [False, True])
def test_a_stop_says_whether_running_hosts_are_ended_and_why(now: bool) -> None:
    control, queue = Control(), Recording()
    control._events = queue
    if now:
        control.abort()
    else:
        control.stop()
    (event,) = queue.seen
    assert isinstance(event, Stop)
    assert event.now is now
    assert (event.why.status, event.why.reason) == (Status.CANCELLED, "stopped")
