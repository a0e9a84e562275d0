"""What happens in a run: each comes in through the one queue that its loop reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from runner.models import Host, HostResult
    from runner.results.limits import Verdict

__all__ = ["Event", "Finished", "PingsEnded", "Reached", "Stop"]


class Reached(NamedTuple):
    """A host's probe has come to its result."""

    result: HostResult


class Finished(NamedTuple):
    """A host's future is done; `reached` is what its probe had found."""

    host: Host
    reached: HostResult | None
    future: Future[HostResult]


class Stop(NamedTuple):
    """Hosts are not to be started any more, or those that run are to end `now` too, and `why`."""

    now: bool
    why: Verdict


class PingsEnded(NamedTuple):
    """A batch has no answers to come any more; `raised` is why, where that was not the end of its hosts."""

    hosts: Sequence[Host]
    raised: BaseException | None


Event = Reached | Finished | Stop | PingsEnded
