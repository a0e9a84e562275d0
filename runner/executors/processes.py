"""Processes times threads behind the one `Executor` interface.

`ProcessPoolExecutor` gives each process one call at a time, and when one worker dies, it fails every call of
the pool. Here each process runs many calls as threads, and the death of one costs only the calls that it had.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

__all__ = ["ThreadedProcessExecutor"]

P = ParamSpec("P")
T = TypeVar("T")

_TOLD = 0  # the number of what is no call; calls count from 1
_JOIN_S = 5.0


@dataclass(slots=True, eq=False)
class _Call:
    """One submitted call on its way to a process."""

    future: Future[Any]
    payload: bytes


@dataclass(slots=True, eq=False)
class _Worker:
    """One process, and the calls that it has."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    threads: int
    running: dict[int, _Call] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """How many calls more it can take."""
        return self.threads - len(self.running)


class ThreadedProcessExecutor(Executor):
    """An executor over processes that each run several calls at once.

    Functions, arguments and results must pickle. A call whose process dies raises `BrokenProcessPool`; the
    others go on.

    Args:
        workers: Calls in flight at once, over all processes.
        processes: How many processes; one for each core that this process may use, by default.
    """

    def __init__(self, workers: int, processes: int | None = None) -> None:
        count = max(1, min(processes or _cores(), workers))
        self._lock = threading.Lock()
        self._pending: deque[_Call] = deque()
        self._next = 0
        self._shut = False
        # `fork` would copy the locks of threads that are not copied with it.
        context = multiprocessing.get_context("spawn")
        shares = [workers // count + (index < workers % count) for index in range(count)]
        self._workers = [self._start(context, threads) for threads in shares]
        self._readers = [
            threading.Thread(target=self._read, args=(worker,), name="runner-process", daemon=True)
            for worker in self._workers
        ]
        for reader in self._readers:
            reader.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a call to the process that has most room; keep it back while none has any.

        Raises:
            RuntimeError: The executor has been shut down.
            pickle.PicklingError: The call cannot travel to a process.
        """
        call = _Call(Future(), pickle.dumps((fn, args, kwargs)))
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new calls after shutdown")
            self._pending.append(call)
            self._dispatch()
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when what they have is done; with `cancel_futures`, drop what they have not."""
        with self._lock:
            self._shut = True
            if cancel_futures:
                self._cancel_pending()
            self._dispatch()
        if wait:
            for reader in self._readers:
                reader.join()
            for worker in self._workers:
                worker.process.join(_JOIN_S)

    def tell_workers(self, fn: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call `fn` once in each process, beside what it is doing; nothing comes back."""
        message = pickle.dumps((_TOLD, pickle.dumps((fn, args, kwargs))))
        with self._lock:
            for worker in self._workers:
                with suppress(OSError):
                    worker.pipe.send_bytes(message)

    def terminate_workers(self) -> None:
        """End the processes now; what they were doing raises `BrokenProcessPool`."""
        with self._lock:
            self._shut = True
            self._cancel_pending()
            for worker in self._workers:
                worker.process.terminate()

    def _start(self, context: multiprocessing.context.SpawnContext, threads: int) -> _Worker:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, threads), name="runner-worker", daemon=True)
        with _sigint_blocked():
            process.start()
        theirs.close()
        return _Worker(process, ours, threads)

    def _dispatch(self) -> None:
        """Hand pending calls to processes with room; end idle ones after shutdown. Called locked."""
        while self._pending:
            worker = max(self._workers, key=lambda worker: worker.free, default=None)
            if worker is None:
                self._cancel_pending()
                return
            if worker.free == 0:
                return
            call = self._pending.popleft()
            if call.future.set_running_or_notify_cancel():
                self._send(worker, call)
        if self._shut:
            for worker in self._workers:
                if not worker.running:
                    with suppress(OSError):
                        worker.pipe.send_bytes(b"")

    def _send(self, worker: _Worker, call: _Call) -> None:
        self._next += 1
        worker.running[self._next] = call
        # A process that has just died is noticed, and its calls failed, by its reader.
        with suppress(OSError):
            worker.pipe.send_bytes(pickle.dumps((self._next, call.payload)))

    def _cancel_pending(self) -> None:
        for call in self._pending:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()
        self._pending.clear()

    def _read(self, worker: _Worker) -> None:
        """Resolve futures from one process's answers until it ends."""
        while True:
            try:
                number, raised, payload = pickle.loads(worker.pipe.recv_bytes())  # noqa: S301 - from our own child
            except (EOFError, OSError):
                break
            with self._lock:
                call = worker.running.pop(number)
                self._dispatch()
            _resolve(call.future, raised, payload)
        self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        worker.pipe.close()
        with self._lock:
            self._workers = [other for other in self._workers if other is not worker]
            lost = list(worker.running.values())
            worker.running.clear()
            self._dispatch()
        worker.process.join(_JOIN_S)
        for call in lost:
            call.future.set_exception(
                BrokenProcessPool(
                    f"worker process {worker.process.pid} died (exit code {worker.process.exitcode})"
                )
            )


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Keep Ctrl-C from a child that is being started, until it can say itself that it does not want it."""
    # Starting the tracker unblocks the signal, so it has to be there before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _resolve(future: Future[Any], raised: bool, payload: bytes) -> None:
    """Give a future what its call came to; a value's own unpickling may raise anything."""
    try:
        value = pickle.loads(payload)  # noqa: S301 - from our own child
    except Exception as exc:  # noqa: BLE001 - the future carries it
        raised, value = True, exc
    if raised:
        future.set_exception(value)
    else:
        future.set_result(value)


def _serve(pipe: Connection, threads: int) -> None:
    """The life of a worker process: take calls, answer each when done, end when told or left alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the user sees
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    answering = threading.Lock()
    sys.stdout = sys.stderr  # a program's stdout is for its results, and what a call prints is none
    with ThreadPoolExecutor(threads, thread_name_prefix="runner") as pool:
        while True:
            try:
                message = pipe.recv_bytes()
            except EOFError:
                os._exit(1)  # nobody is left to answer to
            if not message:
                return
            number, payload = pickle.loads(message)  # noqa: S301 - from our own parent
            if number == _TOLD:
                fn, args, kwargs = pickle.loads(payload)  # noqa: S301 - from our own parent
                fn(*args, **kwargs)
            else:
                pool.submit(_answer, pipe, answering, number, payload)


def _answer(pipe: Connection, answering: threading.Lock, number: int, payload: bytes) -> None:
    try:
        fn, args, kwargs = pickle.loads(payload)  # noqa: S301 - from our own parent
        raised, answer = False, pickle.dumps(fn(*args, **kwargs))
    except BaseException as exc:  # the future carries whatever the call raised  # noqa: BLE001
        raised, answer = True, _failure(exc)
    with answering, suppress(OSError):
        pipe.send_bytes(pickle.dumps((number, raised, answer)))


def _failure(exc: BaseException) -> bytes:
    """Return what a call raised; an exception that does not pickle becomes its text."""
    try:
        answer = pickle.dumps(exc)
        pickle.loads(answer)  # noqa: S301 - just made here
    except BaseException:  # an exception's own pickling may raise anything  # noqa: BLE001
        return pickle.dumps(RuntimeError(_text(exc)))
    return answer


def _text(exc: BaseException) -> str:
    try:
        return f"{type(exc).__name__}: {exc}"
    except Exception:  # noqa: BLE001 - its `__str__` is not ours
        return type(exc).__name__
