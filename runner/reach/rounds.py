"""Probe the same hosts repeatedly: loss, round-trip times, and hosts that go down or come back."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.models import Status
from runner.reach.bounds import RUN_DEADLINE
from runner.reach.probe import probe
from runner.reach.route import given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from runner.models import Host, HostResult
    from runner.reach.options import ReachOptions
    from runner.reach.route import Routes

__all__ = ["Change", "Changes", "rounds", "summed"]


def rounds(
    hosts: Sequence[Host],
    options: ReachOptions,
    interval_s: float,
    count: int | None = None,
    *,
    routes: Routes = given,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[dict[str, HostResult]]:
    """Probe hosts in rounds; yield each round's results by host name.

    An incomplete round, cut off by the time limit for all rounds, is yielded only if it is the first.

    Args:
        hosts: The hosts.
        options: How to probe in each round. `total_s` is the time for all rounds; `max_fail` is ignored.
        interval_s: Seconds from the beginning of one round to that of the next; a round that takes longer
            is followed at once.
        count: The number of rounds; None for no limit.
        routes: Returns the route to each host; called again in each round.
        sleep: Waits for the given number of seconds.
    """
    begin = time.monotonic()
    end = math.inf if options.total_s is None else begin + options.total_s
    for number in itertools.count(1):
        left_s = None if options.total_s is None else end - time.monotonic()
        bounded = replace(options, total_s=left_s, max_fail=None)
        results = {result.host: result for result in probe(hosts, bounded, routes=routes)}
        if number > 1 and any(result.reason == RUN_DEADLINE for result in results.values()):
            return
        yield results
        now = time.monotonic()
        due = max(now, begin + number * interval_s)
        if number == count or due >= end:
            return
        sleep(due - now)


def summed(results: Sequence[HostResult]) -> HostResult:
    """Combine the rounds of one host into one result: ok if it ever answered, with every round-trip time.

    `rtt_ms` becomes the mean of the answers.
    """
    rtts = tuple(result.rtt_ms if result.ok else None for result in results)
    answered = [rtt for rtt in rtts if rtt is not None]
    best = next((result for result in results if result.ok), results[-1])
    return best._replace(
        rtt_ms=sum(answered) / len(answered) if answered else None,
        rtts_ms=rtts,
        attempts=sum(result.attempts for result in results),
        duration_s=sum(result.duration_s for result in results),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a host's status.

    Attributes:
        host: The host's name.
        before: Its previous status; None if this is its first result.
        after: Its new result.
        when: The time of the change.
        lasted_s: Seconds that the previous status lasted; None if there was none.
    """

    host: str
    before: Status | None
    after: HostResult
    when: datetime
    lasted_s: float | None = None


class Changes:
    """Keeps each host's latest result, and finds the hosts whose status changes.

    Attributes:
        now: Each host's latest result.
        since: When each host's status last changed, by the wall clock.
        since_s: The same in seconds of the monotonic clock, because the wall clock may jump.
    """

    def __init__(self) -> None:
        self.now: dict[str, HostResult] = {}
        self.since: dict[str, datetime] = {}
        self.since_s: dict[str, float] = {}

    def take(self, results: Mapping[str, HostResult], when: datetime, at_s: float) -> list[Change]:
        """Record a round; return the hosts whose status changed.

        For the first round, these are the hosts that are not ok.

        Args:
            results: The round's results.
            when: The time of the round, by the wall clock.
            at_s: The same in seconds of the monotonic clock.
        """
        changes = []
        for name, result in results.items():
            known = self.now.get(name)
            self.now[name] = result
            if known is not None and known.status is result.status:
                continue
            lasted = at_s - self.since_s[name] if known is not None else None
            self.since[name], self.since_s[name] = when, at_s
            if known is not None or result.status is not Status.OK:
                changes.append(Change(name, known.status if known else None, result, when, lasted))
        return changes
