"""The loop of one run: everything that happens comes in through one queue and is dealt with in one thread.

So a host goes to the executor the moment it answers, and nothing needs a lock.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from functools import partial
from queue import Empty
from typing import TYPE_CHECKING

from runner.connection import deadline
from runner.errors import RunnerError
from runner.fanout.crew import Crew
from runner.fanout.events import Event, Finished, GateEnded, Stop
from runner.fanout.gate import Gate
from runner.fanout.outcome import outcome, without_outcome
from runner.fanout.starts import Starts
from runner.limits import Limits, Verdict
from runner.models import Host, HostResult, Status
from runner.results import value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.connection import ConnectionOptions
    from runner.fanout.control import Control
    from runner.fanout.options import FanoutOptions
    from runner.jobs import Job
    from runner.reach import ReachOptions

__all__ = ["Loop"]

logger = logging.getLogger(__name__)

_ABORT_GRACE_S = 1.5


class Loop:
    """The state of one run, all of it in the thread that consumes the stream.

    Args:
        total: How many hosts the run has.
        task: The job, how hosts are connected to, and the run's id.
        options: How the work is spread.
        control: By which the run can be stopped.
        starting: Called with the names of hosts that are about to be handed to workers.

    Raises:
        UsageError: The executor cannot be used.
    """

    def __init__(
        self,
        total: int,
        task: tuple[Job, ConnectionOptions, str],
        options: FanoutOptions,
        control: Control,
        starting: Callable[[Sequence[str]], None],
    ) -> None:
        self._options = options
        self._control = control
        self._starting = starting
        # The two are one thing, of which callers see half.
        self._events = control._events  # noqa: SLF001
        control._end_steps = partial(deadline.abort, task[2])  # noqa: SLF001
        workers = min(options.workers, total)
        self._crew = Crew(options.executor, workers, task, control._running, self._events)  # noqa: SLF001
        self._running = control._running  # noqa: SLF001
        self._limits = Limits(total, options.max_fail, options.max_refused)
        self._starts = Starts(options.rate)
        self._undecided: dict[str, Host] = {}
        self._started: set[str] = set()
        self._stop: Verdict | None = None
        self._give_up_at: float | None = None

    def close(self) -> None:
        """Leave nothing behind: end what still runs, and the executor."""
        self._crew.close(_ABORT_GRACE_S if self._give_up_at is None else 0)

    def batch(self, hosts: Sequence[Host], reach: ReachOptions) -> Iterator[HostResult]:
        """Do the job on these hosts and yield their results."""
        self._undecided = {host.name: host for host in hosts}
        self._started = set()
        if self._stop is not None or not self._options.ping:
            for host in hosts:
                self._starts.add(host, None)
            yield from self._decide()
            return
        with closing(Gate(hosts, reach, self._events)):
            yield from self._decide()

    def _decide(self) -> Iterator[HostResult]:
        """Deal with one event after the other until every host of the batch has its result."""
        any_ok = False
        while self._undecided:
            for result in self._step():
                if self._stop is None:
                    self._stop = self._limits.take(result)
                any_ok = any_ok or result.ok
                yield result
        if self._options.batches and not any_ok and self._stop is None:
            text = "not started: no host of the batch before ended ok"
            self._stop = Verdict(Status.SKIPPED, "earlier-batch", text)

    def _step(self) -> Iterator[HostResult]:
        if self._stop is not None:
            yield from self._refuse(*self._stop)
        else:
            yield from self._start()
        if not self._undecided:
            return
        try:
            event = self._events.get(timeout=self._patience())
        except Empty:
            if self._give_up_at is not None and time.monotonic() >= self._give_up_at:
                yield from self._abandon()
            return
        yield from self._take_in(event)

    def _take_in(self, event: Event) -> Iterator[HostResult]:
        if isinstance(event, GateEnded):
            yield from self._unprobed(event)
        elif isinstance(event, Stop):
            self._halt(now=event.now)
        elif isinstance(event, Finished):
            self._running.pop(event.host.name, None)
            if self._undecided.pop(event.host.name, None) is not None:
                yield outcome(event, ending=self._give_up_at is not None)
        elif event.result.host in self._undecided:
            if event.result.ok:
                self._starts.add(self._undecided[event.result.host], event.result)
            else:
                del self._undecided[event.result.host]
                yield event.result

    def _start(self) -> Iterator[HostResult]:
        """Start what may be started now."""
        if self._control.stopping:
            return
        ready = self._starts.take(self._crew.room, time.monotonic())
        if ready:
            self._announce([waiting.host.name for waiting in ready])
        for waiting in ready:
            self._started.add(waiting.host.name)
            refused = self._crew.submit(waiting)
            if refused is not None:
                del self._undecided[waiting.host.name]
                yield refused

    def _announce(self, names: Sequence[str]) -> None:
        try:
            self._starting(names)
        except Exception:
            logger.exception("an observer of the run failed")

    def _unprobed(self, end: GateEnded) -> Iterator[HostResult]:
        """Give the hosts that were never heard of their result; what kept all from being probed is raised."""
        if isinstance(end.raised, RunnerError) and not self._started:
            raise end.raised
        known = self._started | self._starts.names()
        why = f": {type(end.raised).__name__}: {value_text(end.raised)}" if end.raised is not None else ""
        for name in [host.name for host in end.hosts if host.name in self._undecided]:
            if name not in known:
                host = self._undecided.pop(name)
                text = f"not started: its ping came to no end{why}"
                yield without_outcome(host, None, Status.ERROR, "not-pinged", text, sent=False)

    def _patience(self) -> float | None:
        """Return how long to wait for an event: to the next start that is allowed, or the end of an abort."""
        moments = [self._give_up_at]
        if self._stop is None and self._crew.room:
            moments.append(self._starts.next_moment())
        known = [moment for moment in moments if moment is not None]
        return max(0.0, min(known) - time.monotonic()) if known else None

    def _halt(self, *, now: bool) -> None:
        self._stop = Verdict(Status.CANCELLED, "stopped", "not started: the run was stopped")
        if now and self._give_up_at is None:
            self._give_up_at = time.monotonic() + _ABORT_GRACE_S
            self._crew.end_running()

    def _refuse(self, status: Status, reason: str, text: str) -> Iterator[HostResult]:
        """Give every host that has not been started the result that says why."""
        self._starts.clear()
        for name in [name for name in self._undecided if name not in self._started]:
            del self._undecided[name]
            yield HostResult(name, status, reason=reason, error=text)

    def _abandon(self) -> Iterator[HostResult]:
        """Stop waiting for hosts that do not come to an end; whether their command was sent is not known."""
        for host in list(self._undecided.values()):
            del self._undecided[host.name]
            yield without_outcome(host, None, Status.CANCELLED, "stopped", "the run was stopped", sent=True)
