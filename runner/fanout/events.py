"""The events of a run. All of them arrive through the one queue that the loop reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from runner.models import Host, HostResult
    from runner.results.limits import Verdict

__all__ = ["Event", "Finished", "PingsEnded", "Reached", "Stop"]


class Reached(NamedTuple):
    """The probe of a host has finished."""

    result: HostResult


class Finished(NamedTuple):
    """The future of a host is done; `reached` is the result of its probe."""

    host: Host
    reached: HostResult | None
    future: Future[HostResult]


class Stop(NamedTuple):
    """A request to start no more hosts; if `now`, also to end the running ones. `why` is the reason."""

    now: bool
    why: Verdict


class PingsEnded(NamedTuple):
    """The pings of a batch have ended; `raised` is the error that stopped them early, if any."""

    hosts: Sequence[Host]
    raised: BaseException | None


Event = Reached | Finished | Stop | PingsEnded
