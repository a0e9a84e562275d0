"""One job over many hosts: batches, pacing, stopping, and one result for each host, whatever dies.

Everything that happens (a probe's answer, a finished job, a signal) comes in through one queue and is dealt
with in one thread, so that a host goes to the executor the moment it answers and nothing needs a lock.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from runner import executors
from runner.connection import deadline
from runner.errors import RunnerError
from runner.jobs import Job, perform
from runner.limits import Limits, Verdict
from runner.models import Host, HostResult, Status
from runner.reach import ReachOptions, probe
from runner.results import value_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from runner.connection import ConnectionOptions
    from runner.quantities import Share

__all__ = ["Control", "FanoutOptions", "stream"]

logger = logging.getLogger(__name__)

_ABORT_GRACE_S = 1.5


@dataclass(frozen=True, slots=True)
class FanoutOptions:
    """How work is spread over hosts.

    Attributes:
        executor: Name of the executor.
        workers: Hosts in flight at once.
        rate: Hosts started a second; None is no limit.
        batches: Sizes of the batches that follow one another, the last used again; empty is all at once.
        max_fail: No more hosts are started when more than this share did not end `ok`.
        max_refused: No more hosts are started when so many logins in a row were refused; 0 is any number.
        ping: Whether hosts are pinged first.
    """

    executor: str = "thread"
    workers: int = 50
    rate: float | None = None
    batches: tuple[Share, ...] = ()
    max_fail: Share | None = None
    max_refused: int = 5
    ping: bool = True


class _Reached(NamedTuple):
    result: HostResult


class _Finished(NamedTuple):
    host: Host
    reached: HostResult | None
    future: Future[HostResult]


class _Stop(NamedTuple):
    now: bool


class _GateEnded(NamedTuple):
    """A batch has no answers to come any more; `raised` is why, where that was not the end of its hosts."""

    hosts: Sequence[Host]
    raised: BaseException | None


Starting = Callable[[Sequence[str]], None]
_Event = _Reached | _Finished | _Stop | _GateEnded


class Control:
    """The way to watch and to stop a run from a signal handler or another thread.

    Attributes:
        stopping: Whether it has been told to stop.
    """

    def __init__(self) -> None:
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._running: dict[str, Future[HostResult] | None] = {}
        self._end_steps: Callable[[], None] = _nothing
        self.stopping = False

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the hosts that have been handed to workers and have no result yet."""
        return tuple(self._running)

    def stop(self) -> None:
        """Start no more hosts; let those that are running finish."""
        self.stopping = True
        self._events.put(_Stop(now=False))

    def abort(self) -> None:
        """Start no more hosts, and end those that are running."""
        self.stopping = True
        self._events.put(_Stop(now=True))
        # An executor that works in the caller leaves nobody to read the queue; and a signal handler must not
        # wait for a lock that the code it interrupted may hold.
        Thread(target=self._end_steps, name="runner-abort", daemon=True).start()


def _nothing() -> None:
    """End nothing: no run has begun."""


def stream(  # noqa: PLR0913 - one composition of parts that have nothing else in common
    hosts: Iterable[Host],
    job: Job,
    *,
    run: str,
    connection: ConnectionOptions,
    options: FanoutOptions,
    reach: ReachOptions,
    control: Control | None = None,
    starting: Starting = lambda _names: None,
) -> Generator[HostResult, None, None]:
    """Do a job on hosts; yield each host's one result as it is known.

    Args:
        hosts: The hosts; one that comes twice is taken once.
        job: What to do on each.
        run: Id of the run.
        connection: How to connect.
        options: How to spread the work.
        reach: How to ping.
        control: By which the run can be stopped.
        starting: Called with the names of hosts that are about to be handed to workers.

    Raises:
        UsageError: The executor cannot be used.
    """
    chosen = list({host.name: host for host in hosts}.values())
    with closing(_Fanout(job, run, connection, options, control or Control(), starting)) as work:
        if chosen:
            work.open(len(chosen))
        for batch in _batches(chosen, options.batches):
            yield from work.batch(batch, reach)


def _batches(hosts: Sequence[Host], sizes: Sequence[Share]) -> Iterator[Sequence[Host]]:
    """Cut hosts into batches; the last size is used again until all are in one."""
    begin, turn = 0, 0
    while begin < len(hosts):
        size = sizes[min(turn, len(sizes) - 1)].of(len(hosts)) if sizes else len(hosts)
        yield hosts[begin : begin + max(1, size)]
        begin += max(1, size)
        turn += 1


class _Gate:
    """A thread that pings the hosts of a batch and passes every answer on as it comes."""

    def __init__(self, hosts: Sequence[Host], options: ReachOptions, events: SimpleQueue[_Event]) -> None:
        self._hosts = hosts
        self._options = options
        self._events = events
        self._closed = False
        Thread(target=self._pass_on, name="runner-gate", daemon=True).start()

    def close(self) -> None:
        """Let the thread end at the next answer."""
        self._closed = True

    def _pass_on(self) -> None:
        try:
            with closing(probe(self._hosts, self._options)) as answers:
                for answer in answers:
                    if self._closed:
                        return
                    self._events.put(_Reached(answer))
        except BaseException as exc:  # the thread that consumes the stream has to hear of it  # noqa: BLE001
            self._events.put(_GateEnded(self._hosts, exc))
        else:
            self._events.put(_GateEnded(self._hosts, None))


class _Fanout:
    """The state of one run, all of it in the thread that consumes the stream."""

    def __init__(
        self,
        job: Job,
        run: str,
        connection: ConnectionOptions,
        options: FanoutOptions,
        control: Control,
        starting: Starting,
    ) -> None:
        self._job = job
        self._run = run
        self._connection = connection
        self._options = options
        self._control = control
        # The two are one thing, of which callers see half.
        self._events = control._events  # noqa: SLF001
        self._running = control._running  # noqa: SLF001
        control._end_steps = partial(deadline.abort, run)  # noqa: SLF001
        self._starting = starting
        self._executor: Executor | None = None
        self._workers = 0
        self._undecided: dict[str, Host] = {}
        self._started: set[str] = set()
        self._waiting: deque[tuple[Host, HostResult | None]] = deque()
        self._next_start = 0.0
        self._limits: Limits | None = None
        self._stop: Verdict | None = None
        self._give_up_at: float | None = None

    def open(self, total: int) -> None:
        """Get the executor ready for so many hosts."""
        workers = min(self._options.workers, total)
        self._executor = executors.create(self._options.executor, workers)
        self._workers = getattr(self._executor, "max_workers", workers)
        self._limits = Limits(total, self._options.max_fail, self._options.max_refused)

    def close(self) -> None:
        """Leave nothing behind: end what still runs, and the executor."""
        if self._executor is None:
            return
        if self._running:
            self._end_running()
        futures = [future for future in self._running.values() if future is not None]
        # What still runs has to find the run stopped, or it would try again.
        if not wait(futures, _ABORT_GRACE_S if self._give_up_at is None else 0).not_done:
            deadline.forget(self._run)
        else:
            self._ask_executor("terminate_workers")
        executors.end(self._executor, wait=not self._running)

    def batch(self, hosts: Sequence[Host], reach: ReachOptions) -> Iterator[HostResult]:
        """Do the job on these hosts and yield their results."""
        self._undecided = {host.name: host for host in hosts}
        self._started = set()
        if self._stop is not None or not self._options.ping:
            self._waiting.extend((host, None) for host in hosts)
            yield from self._decide()
            return
        with closing(_Gate(hosts, reach, self._events)):
            yield from self._decide()

    def _decide(self) -> Iterator[HostResult]:
        """Deal with one event after the other until every host of the batch has its result."""
        any_ok = False
        while self._undecided:
            for result in self._step():
                if self._limits is not None and self._stop is None:
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
        yield from self._handle(event)

    def _handle(self, event: _Event) -> Iterator[HostResult]:
        if isinstance(event, _GateEnded):
            yield from self._unprobed(event)
        elif isinstance(event, _Stop):
            self._halt(now=event.now)
        elif isinstance(event, _Finished):
            self._running.pop(event.host.name, None)
            if self._undecided.pop(event.host.name, None) is not None:
                yield self._outcome(event)
        elif event.result.host in self._undecided:
            if event.result.ok:
                self._waiting.append((self._undecided[event.result.host], event.result))
            else:
                del self._undecided[event.result.host]
                yield event.result

    def _start(self) -> Iterator[HostResult]:
        """Start what may be started now."""
        ready = self._take()
        if ready:
            self._announce([host.name for host, _ in ready])
        for host, reached in ready:
            refused = self._submit(host, reached)
            if refused is not None:
                del self._undecided[host.name]
                yield refused

    def _announce(self, names: Sequence[str]) -> None:
        try:
            self._starting(names)
        except Exception:
            logger.exception("an observer of the run failed")

    def _unprobed(self, end: _GateEnded) -> Iterator[HostResult]:
        """Give the hosts that were never heard of their result; what kept all from being probed is raised."""
        if isinstance(end.raised, RunnerError) and not self._started:
            raise end.raised
        waiting = {host.name for host, _ in self._waiting}
        why = f": {type(end.raised).__name__}: {value_text(end.raised)}" if end.raised is not None else ""
        for name in [host.name for host in end.hosts if host.name in self._undecided]:
            if name not in self._started and name not in waiting:
                host = self._undecided.pop(name)
                text = f"not started: its ping came to no end{why}"
                yield _failed(host, None, Status.ERROR, "not-pinged", text, sent=False)

    def _take(self) -> list[tuple[Host, HostResult | None]]:
        """Return the hosts that may be started now: as many as there is room for; one at a time if paced."""
        if self._control.stopping or time.monotonic() < self._next_start:
            return []
        most = self._room()
        if self._options.rate:
            most = min(most, 1)
        ready = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        if ready and self._options.rate:
            self._next_start = max(time.monotonic(), self._next_start) + 1 / self._options.rate
        return ready

    def _room(self) -> int:
        return self._workers - len(self._running)

    def _submit(self, host: Host, reached: HostResult | None) -> HostResult | None:
        """Hand a host to the executor; return its result where the executor does not take it."""
        assert self._executor is not None  # noqa: S101 - `open` comes first
        self._started.add(host.name)
        self._running[host.name] = None
        try:
            future = self._executor.submit(perform, host, self._job, self._connection, reached, self._run)
        except Exception as exc:  # executors refuse in many ways: broken, shut down, unpicklable  # noqa: BLE001
            del self._running[host.name]
            text = f"not started: {value_text(exc)}"
            return _failed(host, reached, Status.ERROR, "not-submitted", text, sent=False)
        self._running[host.name] = future
        events = self._events
        future.add_done_callback(lambda done: events.put(_Finished(host, reached, done)))
        return None

    def _patience(self) -> float | None:
        """Return how long to wait for an event: to the next start that is allowed, or the end of an abort."""
        moments = []
        if self._waiting and self._stop is None and self._room():
            moments.append(self._next_start)
        if self._give_up_at is not None:
            moments.append(self._give_up_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _halt(self, *, now: bool) -> None:
        self._stop = Verdict(Status.CANCELLED, "stopped", "not started: the run was stopped")
        if now and self._give_up_at is None:
            self._give_up_at = time.monotonic() + _ABORT_GRACE_S
            self._end_running()

    def _end_running(self) -> None:
        """End what runs, in whichever process it is, so that remote commands are told to end too."""
        deadline.abort(self._run)
        self._ask_executor("tell_workers", deadline.abort, self._run)

    def _ask_executor(self, what: str, *arguments: object) -> None:
        """Call what only executors over processes of our own have."""
        ask: Callable[..., None] | None = getattr(self._executor, what, None)
        if ask is not None:
            ask(*arguments)

    def _refuse(self, status: Status, reason: str, text: str) -> Iterator[HostResult]:
        """Give every host that has not been started the result that says why."""
        self._waiting.clear()
        for name in [name for name in self._undecided if name not in self._started]:
            del self._undecided[name]
            yield HostResult(name, status, reason=reason, error=text)

    def _abandon(self) -> Iterator[HostResult]:
        """Stop waiting for hosts that do not come to an end; whether their command was sent is not known."""
        for host in list(self._undecided.values()):
            del self._undecided[host.name]
            yield _failed(host, None, Status.CANCELLED, "stopped", "the run was stopped", sent=True)

    def _outcome(self, event: _Finished) -> HostResult:
        """Return what a future holds; one that holds no result is made into one."""
        host, reached, future = event
        if future.cancelled() or isinstance(future.exception(), CancelledError):
            text = "not started: no worker was left"
            return _failed(host, reached, Status.CANCELLED, "stopped", text, sent=False)
        raised = future.exception()
        if raised is None:
            return _checked(host, reached, future.result())
        if isinstance(raised, BrokenExecutor) and self._give_up_at is not None:
            return _failed(host, reached, Status.CANCELLED, "stopped", "the run was stopped", sent=True)
        if isinstance(raised, BrokenExecutor):
            text = f"its worker died, what was done is not known: {value_text(raised)}"
            return _failed(host, reached, Status.LOST, "worker-died", text, sent=True)
        text = f"its result was lost: {type(raised).__name__}: {value_text(raised)}"
        return _failed(host, reached, Status.LOST, "result-lost", text, sent=True)


def _checked(host: Host, reached: HostResult | None, result: object) -> HostResult:
    """Return what an executor says that the job returned, where it can be that."""
    if isinstance(result, HostResult) and result.host == host.name:
        return result
    text = f"its result was lost: the executor returned {type(result).__name__} in its place"
    return _failed(host, reached, Status.LOST, "result-lost", text, sent=True)


def _failed(
    host: Host, reached: HostResult | None, status: Status, reason: str, error: str, *, sent: bool
) -> HostResult:
    result = reached or HostResult(host.name, status)
    return replace(result, status=status, reason=reason, error=error, sent=sent)
