"""Run one job on many hosts: batches, pacing, stopping, and exactly one result per host."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from runner.fanout.batches import cut
from runner.fanout.control import Control
from runner.fanout.loop import Loop
from runner.fanout.options import FanoutOptions
from runner.fanout.order import arranged
from runner.fanout.size import fitted
from runner.interpreter import for_many_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from runner.fanout.connecting import Connecting
    from runner.jobs import Job
    from runner.models import Host, HostResult
    from runner.reach import ReachOptions

__all__ = ["Control", "FanoutOptions", "batches", "planned", "stream"]


def batches(  # noqa: PLR0913 - composes independent parts
    hosts: Iterable[Host],
    job: Job,
    *,
    run: str,
    connecting: Connecting,
    options: FanoutOptions,
    reach: ReachOptions,
    control: Control | None = None,
    starting: Callable[[Sequence[str]], None] = lambda _names: None,
) -> Generator[list[HostResult], None, None]:
    """Run a job on hosts; yield lists of results. Results that arrive together share a list.

    An empty list means that time has passed: the consumer can do other work while hosts are at theirs.

    Args:
        hosts: The hosts; duplicates are dropped.
        job: The job to run on each host.
        run: Id of the run.
        connecting: How to connect.
        options: How to spread the work.
        reach: How to ping.
        control: Handle to watch and stop the run.
        starting: Called with the names of hosts that are about to be handed to workers.

    Raises:
        UsageError: The executor cannot be used.
    """
    chosen = _arranged(hosts, options)
    if not chosen:
        return
    options = fitted(options, chosen, connecting)
    task = (job, connecting, run)
    with (
        for_many_threads(),
        closing(Loop(len(chosen), task, options, control or Control(), starting)) as loop,
    ):
        for batch in cut(chosen, options.batches):
            yield from loop.batch(batch, reach)


def stream(hosts: Iterable[Host], job: Job, **how: Any) -> Generator[HostResult, None, None]:
    """Run a job on hosts; yield each host's result when it arrives; see `batches`."""
    with closing(batches(hosts, job, **how)) as found:
        for results in found:
            yield from results


def planned(hosts: Iterable[Host], options: FanoutOptions) -> Iterator[Sequence[Host]]:
    """Yield the batches in which `stream` would start the hosts, in order."""
    return cut(_arranged(hosts, options), options.batches)


def _arranged(hosts: Iterable[Host], options: FanoutOptions) -> list[Host]:
    return arranged(list({host.name: host for host in hosts}.values()), options.order, options.seed)
