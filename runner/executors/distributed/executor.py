"""The executor over Dask workers.

Dask's own (`Client.get_executor`) makes a task of each call, which costs the scheduler about a millisecond,
runs as many at once as workers have cores, and runs a call again when its worker dies. Here many calls are
one task, each has a thread, and what may have been half done is never done again.
"""

from __future__ import annotations

import logging
import pickle
import secrets
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from runner import __version__
from runner.errors import UsageError
from runner.executors.answers import NotBegun, packed, settle
from runner.executors.distributed import lane
from runner.executors.distributed.cluster import briefly
from runner.executors.distributed.roster import Roster, Site
from runner.executors.threads import DaemonThreadExecutor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.executors.distributed.cluster import Cluster

__all__ = ["DaskExecutor", "WorkerLost"]

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

_GATHER_S = 0.005
"""How long a call waits for others that can travel with it."""
_MOST_CALLS = 500
_LOOK_S = 0.5
"""Seconds between two looks at which workers there are."""
_ALONE_S = 15.0
"""How long calls wait for a worker where none is left; Dask's nanny starts another in a few seconds."""
_JOIN_S = 5.0
_FIRST_S = 10.0
"""How long a run waits for the first workers to say who they are."""
_ASKERS = 16
_MOST_BYTES = 4 * 2**20
"""What travels in one task; Dask complains of more than ten."""


class WorkerLost(BrokenExecutor):
    """The Dask worker that had a call is gone, or cannot be heard of any more."""


@dataclass(slots=True, eq=False)
class _Call:
    future: Future[Any]
    payload: bytes
    resource: str | None


class DaskExecutor(Executor):
    """An executor over the workers of a Dask cluster, each of which does many calls at once.

    Functions, arguments and results must pickle, and what they are made of be installed on the workers. A
    call whose worker dies raises `WorkerLost`; the others go on.

    Args:
        cluster: The cluster; it is closed at shutdown.

    Raises:
        UsageError: It has no worker that can be used.

    Attributes:
        elsewhere: Whether calls are done on other machines than this one.
        processes: How many workers the cluster had at first.
    """

    def __init__(self, cluster: Cluster) -> None:
        from distributed import Queue  # noqa: PLC0415 - only for those who use Dask

        self.elsewhere = not cluster.local
        self.processes = max(1, cluster.processes)
        self._cluster = cluster
        self._name = f"runner-{secrets.token_hex(8)}"
        self._queue = Queue(self._name, client=cluster.client)
        self._lock = threading.Lock()
        self._roster = Roster()
        self._asked: set[str] = set()
        self._calls: dict[int, tuple[_Call, Site]] = {}
        self._tasks: set[Any] = set()
        self._next = 0
        self._shut = False
        self._over = threading.Event()
        self._submitted: SimpleQueue[_Call | None] = SimpleQueue()
        self._settled = threading.Condition(self._lock)
        self._askers = DaemonThreadExecutor(_ASKERS)
        self._refused: dict[str, str] = {}
        self._gather()
        self._threads = [
            threading.Thread(target=work, name=f"runner-dask-{work.__name__[1:]}", daemon=True)
            for work in (self._hand_out, self._take_in, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a call to the worker that has the fewest.

        Raises:
            RuntimeError: The executor has been shut down.
            pickle.PicklingError: The call cannot travel.
        """
        return self._submit(_Call(Future(), packed(fn, args, kwargs), None))

    def submit_to(self, resource: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a call to a worker that was started with a resource (`dask worker --resources NAME=1`).

        Raises:
            RuntimeError: No worker has it, or the executor has been shut down.
            pickle.PicklingError: The call cannot travel.
        """
        with self._lock:
            known = self._roster.resources()
        if resource not in known:
            raise RuntimeError(
                f"no Dask worker has the resource {resource!r}; there are: {', '.join(known) or 'none'}"
            )
        return self._submit(_Call(Future(), packed(fn, args, kwargs), resource))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls, wait for those under way if asked to, and leave the cluster."""
        with self._lock:
            if self._shut:
                return
            self._shut = True
        if cancel_futures:
            self._drop(self._pending())
        self._submitted.put(None)
        if wait:
            self._threads[0].join()  # then all that was submitted is among the calls
            with self._lock:
                self._settled.wait_for(lambda: not self._calls)
        self._leave()

    def tell_workers(self, fn: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `fn` once in each worker, beside what it is doing; nothing comes back."""
        self._cluster.tell(fn, *args, **kwargs)

    def terminate_workers(self) -> None:
        """Wait for no call any more; a cluster of our own ends with all that it does.

        On a cluster that is not ours nobody is killed: what does not end there goes on by itself.
        """
        with self._lock:
            self._shut = True
        self._drop(self._pending())
        self._submitted.put(None)
        self._leave()
        self._lose(set(self._calls), "the run was ended")

    def _submit(self, call: _Call) -> Future[Any]:
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new calls after shutdown")
        self._submitted.put(call)
        return call.future

    def _pending(self) -> list[_Call]:
        found = []
        with suppress(Empty):
            while True:
                call = self._submitted.get_nowait()
                if call is not None:
                    found.append(call)
        return found

    def _drop(self, calls: Iterable[_Call]) -> None:
        for call in calls:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()

    # What is handed out.

    def _hand_out(self) -> None:
        """Take calls that were submitted at about the same time to their workers together."""
        while (first := self._submitted.get()) is not None:
            calls, more, size = [first], True, len(first.payload)
            end = time.monotonic() + _GATHER_S
            while more and len(calls) < _MOST_CALLS and size < _MOST_BYTES:
                try:
                    call = self._submitted.get(timeout=max(0.0, end - time.monotonic()))
                except Empty:
                    break
                if call is None:
                    more = False
                else:
                    calls.append(call)
                    size += len(call.payload)
            self._send(calls)
            if not more:
                return

    def _send(self, calls: list[_Call]) -> None:
        batches: dict[Site, list[tuple[int, bytes]]] = {}
        for call in calls:
            if not call.future.set_running_or_notify_cancel():
                continue
            found = self._assigned(call)
            if found is None:
                call.future.set_exception(CancelledError())
            else:
                batches.setdefault(found[1], []).append((found[0], call.payload))
        for site, batch in batches.items():
            self._begin(site, batch)

    def _assigned(self, call: _Call) -> tuple[int, Site] | None:
        """Give a call a number and a worker; where there is none, wait for one a while."""
        end = time.monotonic() + _ALONE_S
        while True:
            with self._lock:  # as one: a worker that goes takes along what it has been given
                site = self._roster.least_busy(call.resource)
                if site is not None:
                    self._next += 1
                    self._calls[self._next] = call, site
                    site.calls.add(self._next)
                    return self._next, site
            if time.monotonic() >= end or self._over.wait(_LOOK_S):
                return None

    def _begin(self, site: Site, batch: list[tuple[int, bytes]]) -> None:
        """Make one task of a batch, for this very worker."""
        numbers = {number for number, _ in batch}
        try:
            task = self._cluster.client.submit(
                lane.work,
                self._name,
                site.id,
                batch,
                workers=[site.address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
        except Exception as exc:  # noqa: BLE001 - a client that has lost its scheduler raises many things
            self._lose(numbers, f"it could not be sent: {exc}")
            return
        self._tasks.add(task)  # Dask drops a task of which nobody holds the future
        task.add_done_callback(lambda done: self._ended(done, site, numbers))

    def _ended(self, task: Any, site: Site, numbers: set[int]) -> None:
        """Take in that a batch's task is over: where it failed, what it came to does not come any more."""
        self._tasks.discard(task)
        if task.status == "finished" or self._over.is_set():
            return
        raised = task.exception() if task.status == "error" else None
        if isinstance(raised, lane.WrongWorker):
            with self._lock:  # whoever stands there now is asked for its name at the next look
                self._roster.remove([site.address])
                self._asked.discard(site.address)
        self._tell_myself(numbers, _why(task.status, raised))

    def _tell_myself(self, numbers: set[int], why: BaseException | str) -> None:
        """Put a message behind all answers that have left workers by now: nothing comes of these calls."""
        # Where the scheduler is gone, the reader of the queue sees it.
        briefly(lambda: self._queue.put(pickle.dumps((numbers, why))))

    # What comes back.

    def _take_in(self) -> None:
        """Settle futures by what comes through the queue, until the executor is over."""
        while not self._over.is_set():
            try:
                messages = [self._queue.get(), *self._queue.get(batch=True)]
            except Exception as exc:  # noqa: BLE001 - whatever it is, nothing comes any more
                if not self._over.is_set():
                    self._lose(set(self._calls), f"the scheduler was lost: {type(exc).__name__}")
                    self._shut = True
                return
            for message in messages:
                self._read(pickle.loads(message))  # noqa: S301 - from a worker of ours

    def _read(self, message: Any) -> None:
        if isinstance(message, lane.Post):
            for number, came in message.answers:
                call = self._forget(number)
                if call is not None:
                    settle(call.future, came)
            return
        numbers, why = message
        self._lose(numbers, why)

    def _forget(self, number: int) -> _Call | None:
        with self._lock:
            call, site = self._calls.pop(number, (None, None))
            if site is not None:
                site.calls.discard(number)
            self._settled.notify_all()
        return call

    def _lose(self, numbers: Iterable[int], why: BaseException | str) -> None:
        exception = why if isinstance(why, BaseException) else WorkerLost(why)
        for number in list(numbers):
            call = self._forget(number)
            if call is not None:
                call.future.set_exception(exception)

    # Who is there.

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_S):
            with suppress(Exception):  # a scheduler that is gone is noticed by the reader of the queue
                self._look()

    def _look(self) -> None:
        """Take in which workers have come and gone."""
        there = set(self._cluster.workers())
        with self._lock:
            gone = self._roster.remove(self._roster.addresses() - there)
            new = sorted(there - self._asked)
            lost = [(set(site.calls), f"Dask worker {site.address} is gone") for site in gone]
            self._asked = {address for address in self._asked if address in there} | set(new)
        for numbers, why in lost:
            self._tell_myself(numbers, why)
        for address in new:
            self._askers.submit(self._welcome, address)

    def _welcome(self, address: str) -> None:
        """Ask a worker who it is, and count it in; one that does not answer is not waited for."""
        try:
            said = self._cluster.introduction(address)
        except Exception as exc:  # noqa: BLE001 - a worker that has just gone, or a scheduler
            said = exc
        site = None
        if isinstance(said, Exception):
            why = f"Dask worker {address} is not used: {said}"
        elif said.version != __version__:
            why = f"Dask worker {address} is not used: it has invoke-runner {said.version}, not {__version__}"
        else:
            site, why = Site(address, said.id, said.resources), ""
        if why and not self._over.is_set():
            logger.warning("%s", why)
        with self._lock:
            if site is None:
                self._refused[address] = why
            else:
                self._roster.add(site)
            self._settled.notify_all()

    def _gather(self) -> None:
        """Wait until there is a worker, and a moment for the others.

        Raises:
            UsageError: None can be used.
        """
        self._look()
        with self._lock:
            self._settled.wait_for(self._all_said, _FIRST_S)
            if len(self._roster):
                return
            why = next(iter(self._refused.values()), "no Dask worker answers")
        self._cluster.close()
        raise UsageError(f"--executor dask: {why}")

    def _all_said(self) -> bool:
        return len(self._roster) + len(self._refused) >= len(self._asked)

    def _leave(self) -> None:
        """End the lanes, the threads and the connection; once."""
        if self._over.is_set():
            return
        self._over.set()
        self._cluster.tell(lane.close, self._name)
        self._tell_myself(set(), "")
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_S)
        with suppress(Exception):
            self._queue.close()
        self._askers.shutdown(wait=False, cancel_futures=True)
        self._cluster.close()


def _why(status: str, raised: BaseException | None) -> BaseException | str:
    """Return what became of a batch that came to no end: what to tell of its calls."""
    if raised is None:
        return f"its task was {status}"
    if isinstance(raised, (ImportError, AttributeError)):
        return NotBegun(f"the Dask worker cannot read it: {raised}")
    return f"{type(raised).__name__}: {raised}"
