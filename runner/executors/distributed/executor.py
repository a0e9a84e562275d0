"""The executor over Dask workers.

Dask's own executor (`Client.get_executor`) makes one task per call, which costs the scheduler about a
millisecond, runs only as many calls at once as the workers have cores, and repeats a call when its worker
dies. Here one task holds many calls, each call has a thread, and a call that may be half done is never
repeated.
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
"""Seconds that a call waits for others to be sent in the same task."""
_MOST_CALLS = 500
_LOOK_S = 0.5
"""Seconds between two checks for new and lost workers."""
_ALONE_S = 15.0
"""Seconds that calls wait if no worker is left; Dask's nanny starts another one in a few seconds."""
_JOIN_S = 5.0
_FIRST_S = 10.0
"""Seconds that a run waits for the introductions of the first workers."""
_ASKERS = 16
_MOST_BYTES = 4 * 2**20
"""Most bytes in one task; Dask warns about tasks above 10 MB."""


class WorkerLost(BrokenExecutor):
    """The Dask worker that had a call is gone, or its answers can no longer be received."""


@dataclass(slots=True, eq=False)
class _Call:
    future: Future[Any]
    payload: bytes
    resource: str | None


class DaskExecutor(Executor):
    """An executor over the workers of a Dask cluster, each of which runs many calls at once.

    Functions, arguments and results must pickle, and their modules must be installed on the workers. A call
    whose worker dies raises `WorkerLost`; the others continue.

    Args:
        cluster: The cluster; it is closed at shutdown.

    Raises:
        UsageError: No worker of the cluster can be used.

    Attributes:
        elsewhere: Whether calls run on a cluster that this process did not start.
        processes: The number of workers at the start.
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
        """Send a call to the worker with the fewest calls.

        Raises:
            RuntimeError: The executor has been shut down.
            pickle.PicklingError: The call cannot be pickled.
        """
        return self._submit(_Call(Future(), packed(fn, args, kwargs), None))

    def submit_to(self, resource: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Send a call to a worker that was started with a resource (`dask worker --resources NAME=1`).

        Raises:
            RuntimeError: No worker has the resource, or the executor has been shut down.
            pickle.PicklingError: The call cannot be pickled.
        """
        with self._lock:
            known = self._roster.resources()
        if resource not in known:
            raise RuntimeError(
                f"no Dask worker has the resource {resource!r}; there are: {', '.join(known) or 'none'}"
            )
        return self._submit(_Call(Future(), packed(fn, args, kwargs), resource))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls, wait for the running ones if `wait` is set, and disconnect."""
        with self._lock:
            if self._shut:
                return
            self._shut = True
        if cancel_futures:
            self._drop(self._pending())
        self._submitted.put(None)
        if wait:
            self._threads[0].join()  # after this, every submitted call is in `_calls`
            with self._lock:
                self._settled.wait_for(lambda: not self._calls)
        self._leave()

    def tell_workers(self, fn: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `fn` once in each worker, while its calls run; no result is returned."""
        self._cluster.tell(fn, *args, **kwargs)

    def terminate_workers(self) -> None:
        """Fail all calls at once, and end the cluster if this process started it.

        On another cluster, no worker is killed: calls that do not end by themselves continue there.
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

    # Sending calls to workers.

    def _hand_out(self) -> None:
        """Collect calls that are submitted at about the same time, and send them together."""
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
        """Assign a number and a worker to a call; without a worker, wait for one, up to `_ALONE_S`."""
        end = time.monotonic() + _ALONE_S
        while True:
            with self._lock:  # choose and assign in one step, so that a call is lost with its worker
                site = self._roster.least_busy(call.resource)
                if site is not None:
                    self._next += 1
                    self._calls[self._next] = call, site
                    site.calls.add(self._next)
                    return self._next, site
            if time.monotonic() >= end or self._over.wait(_LOOK_S):
                return None

    def _begin(self, site: Site, batch: list[tuple[int, bytes]]) -> None:
        """Submit a batch as one task that may run only on the given worker."""
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
        except Exception as exc:  # noqa: BLE001 - a client that has lost its scheduler raises many kinds
            self._lose(numbers, f"it could not be sent: {exc}")
            return
        self._tasks.add(task)  # Dask cancels a task if its future is not kept
        task.add_done_callback(lambda done: self._ended(done, site, numbers))

    def _ended(self, task: Any, site: Site, numbers: set[int]) -> None:
        """Handle the end of a batch's task; if it failed, no more answers for its calls will arrive."""
        self._tasks.discard(task)
        if task.status == "finished" or self._over.is_set():
            return
        raised = task.exception() if task.status == "error" else None
        if isinstance(raised, lane.WrongWorker):
            with self._lock:  # the new worker at this address is asked for its introduction at the next check
                self._roster.remove([site.address])
                self._asked.discard(site.address)
        self._tell_myself(numbers, _why(task.status, raised))

    def _tell_myself(self, numbers: set[int], why: BaseException | str) -> None:
        """Queue a message that these calls are lost, behind all answers that workers have already sent."""
        # If the scheduler is gone, the thread that reads the queue notices.
        briefly(lambda: self._queue.put(pickle.dumps((numbers, why))))

    # Receiving answers.

    def _take_in(self) -> None:
        """Set futures from the messages in the queue until the executor ends."""
        while not self._over.is_set():
            try:
                messages = [self._queue.get(), *self._queue.get(batch=True)]
            except Exception as exc:  # noqa: BLE001 - any error means that no more answers arrive
                if not self._over.is_set():
                    self._lose(set(self._calls), f"the scheduler was lost: {type(exc).__name__}")
                    self._shut = True
                return
            for message in messages:
                self._read(pickle.loads(message))  # noqa: S301 - from our own worker

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

    # Tracking workers.

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_S):
            with suppress(Exception):  # the thread that reads the queue notices a lost scheduler
                self._look()

    def _look(self) -> None:
        """Update the roster with new and lost workers."""
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
        """Ask a worker for its introduction, and add it to the roster if it can be used."""
        try:
            said = self._cluster.introduction(address)
        except Exception as exc:  # noqa: BLE001 - the worker or the scheduler may have just ended
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
        """Wait, up to `_FIRST_S`, until all present workers have answered.

        Raises:
            UsageError: No worker can be used.
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
        """End the lanes, the threads and the connection; do nothing the second time."""
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
    """Return the error for the calls of a batch whose task failed: an exception, or the text of one."""
    if raised is None:
        return f"its task was {status}"
    if isinstance(raised, (ImportError, AttributeError)):
        return NotBegun(f"the Dask worker cannot read it: {raised}")
    return f"{type(raised).__name__}: {raised}"
