"""The loop of one run: all events arrive through one queue and are handled in one thread.

So a host goes to the executor as soon as it answers, and no lock is needed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import closing, suppress
from functools import partial
from queue import Empty
from threading import Timer
from typing import TYPE_CHECKING

from runner.errors import AT_WORK, STOPPED, RunnerError
from runner.fanout.events import Event, Finished, PingsEnded, Stop
from runner.fanout.outcome import outcome, without_outcome
from runner.fanout.ping_stage import PingStage
from runner.fanout.ready_queue import ReadyQueue
from runner.fanout.stragglers import Stragglers
from runner.fanout.worker_limit import Adaptive, Fixed, WorkerLimit
from runner.fanout.worker_pool import WorkerPool
from runner.models import Host, HostResult, Status
from runner.results.limits import Limits, Verdict
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.fanout.connecting import Connecting
    from runner.fanout.control import Control
    from runner.fanout.options import FanoutOptions
    from runner.jobs import Job
    from runner.reach import ReachOptions

__all__ = ["Loop"]

logger = logging.getLogger(__name__)

_ABORT_GRACE_S = 1.5
_LOOK_S = 0.25
"""Longest wait for an event, in seconds. Python runs signal handlers only between two waits, and a signal
that arrives just before a wait begins does not interrupt it."""
_MOST_REPEATS = 2
"""Maximum number of retries after a worker crash: the host itself may crash every worker."""
_DEADLINES = (Status.TIMEOUT, Status.UNREACHABLE, Status.CANCELLED)


class Loop:
    """The state of one run. Only the thread that consumes the stream uses it.

    Args:
        total: Number of hosts in the run.
        task: The job, how to connect to hosts, and the run's id.
        options: How the work is spread.
        control: Handle to watch and stop the run.
        starting: Called with the names of hosts that are about to be handed to workers.

    Raises:
        UsageError: The executor cannot be used.
    """

    def __init__(
        self,
        total: int,
        task: tuple[Job, Connecting, str],
        options: FanoutOptions,
        control: Control,
        starting: Callable[[Sequence[str]], None],
    ) -> None:
        self._options = options
        self._control = control
        self._starting = starting
        # Control is the public half of the loop: the two share their private state.
        self._events = control._events  # noqa: SLF001
        self._running = control._running  # noqa: SLF001
        control._end_steps = partial(task[1].abort, task[2])  # noqa: SLF001
        workers = min(options.workers, total)
        most = workers + min(self._spare(workers), total - workers)
        self._pool = WorkerPool(options, most, task, self._running, self._events)
        self._connecting = task[1]
        self._workers: WorkerLimit = Adaptive(workers) if options.adaptive else Fixed(workers)
        self._stragglers = Stragglers()
        self._limits = Limits(total, options.max_fail, options.max_refused)
        self._ready = ReadyQueue(options.rate, options.spread)
        self._hosts: Sequence[Host] = ()
        self._undecided: dict[str, int] = {}
        self._begun = False
        self._repeated: Counter[str] = Counter()
        self._repeatable = options.repeatable or getattr(task[0], "repeatable", False)
        self._stop: Verdict | None = None
        self._give_up_at: float | None = None
        self._timer = _alarm(options.total_s, control)

    def close(self) -> None:
        """End the jobs that still run, then shut down the executor."""
        self._timer.cancel()
        self._pool.close(_ABORT_GRACE_S if self._give_up_at is None else 0)

    def batch(self, hosts: Sequence[Host], reach: ReachOptions) -> Iterator[list[HostResult]]:
        """Run the job on these hosts; yield lists of results. Results that arrive together share a list.

        While none arrives, an empty list is yielded several times a second, so that the consumer can do other
        work.
        """
        self._hosts = hosts
        self._undecided = {host.name: place for place, host in enumerate(hosts)}
        self._begun = False
        pinged = self._options.ping and self._stop is None
        if pinged and self._pool.elsewhere:
            self._pool.reach, pinged = reach, False
        self._ready.open(hosts, ready=not pinged)
        if not pinged:
            yield from self._decide()
            return
        # Skip the ping for hosts with an open connection: they are up, and sshd penalises clients that
        # connect and leave.
        there = self._connecting.connected(hosts) if self._pool.in_process else set()
        for name in there:
            self._ready.add(self._undecided[name], None)
        hosts = [host for host in hosts if host.name not in there]
        if self._pool.in_process:
            with suppress(Exception):  # variables may raise; the connection to that host will report it
                self._connecting.load_ahead(hosts)
        most = self._pool.most if self._pool.in_process else 0
        with (
            self._connecting.probing(hosts, reach, most) as answers,
            closing(PingStage(hosts, answers, self._events)),
        ):
            yield from self._decide()

    def _decide(self) -> Iterator[list[HostResult]]:
        """Handle events one by one until every host of the batch has its result."""
        any_ok = False
        while self._undecided:
            results = []
            for result in self._step():
                if self._stop is None:
                    self._stop = self._limits.take(result)
                any_ok = any_ok or result.ok
                results.append(result)
            yield results
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
        # Handle all events that are already queued: the hosts that start next are then announced, and
        # recorded in the history, together.
        for _ in range(self._events.qsize()):
            yield from self._take_in(self._events.get_nowait())

    def _take_in(self, event: Event) -> Iterator[HostResult]:
        if isinstance(event, PingsEnded):
            yield from self._unprobed(event)
        elif isinstance(event, Stop):
            self._halt(event)
        elif isinstance(event, Finished):
            yield from self._finish(event)
        elif event.result.host in self._undecided:
            if event.result.ok:
                self._ready.add(self._undecided[event.result.host], event.result)
            else:
                del self._undecided[event.result.host]
                yield event.result

    def _finish(self, event: Finished) -> Iterator[HostResult]:
        """Yield the result of a host, unless its job goes to another worker."""
        name, now = event.host.name, time.monotonic()
        full = len(self._running) >= self._workers.limit
        self._running.pop(name, None)
        self._ready.ended(event.host)
        if name not in self._undecided:
            return
        result = outcome(event, ending=self._give_up_at is not None)
        began = self._stragglers.ended(name, now, usual=result.status not in _DEADLINES)
        if result.reason == "worker-died" and self._again(name, event.reached):
            return
        del self._undecided[name]
        self._workers.take(result, began, now, full=full)
        yield self._named(result)

    def _again(self, name: str, reached: HostResult | None) -> bool:
        """Queue a host for another worker if its job may be repeated; return whether it was queued."""
        if not self._repeatable or self._stop is not None or self._repeated[name] >= _MOST_REPEATS:
            return False
        self._repeated[name] += 1
        self._ready.add(self._undecided[name], reached)
        return True

    def _named(self, result: HostResult) -> HostResult:
        """Return the result; if the end of the run cancelled the host, say why the run ended.

        The part of the error that says what may still run on the host is kept.
        """
        if self._stop is None or result.status is not Status.CANCELLED or result.reason != "stopped":
            return result
        why, left = self._stop.text.removeprefix("not started: "), (result.error or "").removeprefix(STOPPED)
        return result._replace(reason=self._stop.reason, error=f"{why}{left}")

    def _room(self, now: float) -> int:
        """Return how many more hosts may start now."""
        self._control.workers = limit = self._workers.limit
        overdue = self._stragglers.count(now, self._spare(limit))
        return min(limit + overdue, self._pool.most) - len(self._running)

    def _spare(self, workers: int) -> int:
        """Return how many extra workers may replace those blocked by slow hosts; 0 for a single worker."""
        return min(self._options.spare.of(workers), workers - 1) if self._options.spare else 0

    def _start(self) -> Iterator[HostResult]:
        """Start the hosts that may start now."""
        if self._control.stopping:
            return
        now = time.monotonic()
        ready = self._ready.take(self._room(now), now)
        if ready:
            self._announce([waiting.host.name for waiting in ready])
        for waiting in ready:
            self._begun = True
            self._stragglers.began(waiting.host.name, now)
            refused = self._pool.submit(waiting)
            if refused is not None:
                self._ready.ended(waiting.host)
                self._stragglers.ended(waiting.host.name, now, usual=False)
                del self._undecided[waiting.host.name]
                yield refused

    def _announce(self, names: Sequence[str]) -> None:
        try:
            self._starting(names)
        except Exception:
            logger.exception("an observer of the run failed")

    def _unprobed(self, end: PingsEnded) -> Iterator[HostResult]:
        """Yield a result for each host that the probe never reported.

        Raise the error instead if it stopped the whole probe before any host was started.
        """
        if isinstance(end.raised, RunnerError) and not self._begun:
            raise end.raised
        known = self._ready.names().union(self._running)
        why = f": {type(end.raised).__name__}: {value_text(end.raised)}" if end.raised is not None else ""
        for name in [host.name for host in end.hosts if host.name in self._undecided]:
            if name not in known:
                host = self._hosts[self._undecided.pop(name)]
                text = f"not started: its ping did not finish{why}"
                yield without_outcome(host, None, Status.ERROR, "not-pinged", text, sent=False)

    def _patience(self) -> float:
        """Return the seconds to wait for an event: until the next possible start or the end of an abort."""
        now = time.monotonic()
        moments = [now + _LOOK_S, self._give_up_at]
        start = self._ready.next_moment() if self._stop is None and not self._control.stopping else None
        if start is not None:
            late = self._stragglers.next_moment(now, self._spare(self._workers.limit))
            moments.append(start if self._room(now) > 0 else late)
        return max(0.0, min(moment for moment in moments if moment is not None) - now)

    def _halt(self, stop: Stop) -> None:
        if self._stop is None or stop.now:
            self._stop = stop.why
        if stop.now and self._give_up_at is None:
            self._give_up_at = time.monotonic() + _ABORT_GRACE_S
            self._pool.end_running()

    def _refuse(self, status: Status, reason: str, text: str) -> Iterator[HostResult]:
        """Yield a result that says why for every host that has not been started."""
        self._ready.clear()
        for name in [name for name in self._undecided if name not in self._running]:
            del self._undecided[name]
            yield HostResult(name, status, reason=reason, error=text)

    def _abandon(self) -> Iterator[HostResult]:
        """Stop waiting for hosts that do not finish; whether their command was sent is unknown."""
        for host in [self._hosts[place] for place in self._undecided.values()]:
            del self._undecided[host.name]
            yield self._named(without_outcome(host, None, Status.CANCELLED, "stopped", AT_WORK, sent=True))


def _alarm(seconds: float | None, control: Control) -> Timer:
    """Return a timer that ends the run after `seconds`; if this is None, the timer is not started."""
    text = f"not started: the run's {seconds or 0:g} s were over (--timeout-total)"
    why = Verdict(Status.CANCELLED, "run-deadline", text)
    timer = Timer(seconds or 0, control._end, (why,))  # noqa: SLF001 - they share private state
    timer.daemon = True
    if seconds is not None:
        timer.start()
    return timer
