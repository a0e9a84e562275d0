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
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from runner.environment import keep_back, kept_back
from runner.executors.answers import Answer, Outcome, not_begun, outcome, packed, settle
from runner.executors.cores import cores
from runner.executors.interrupts import sigint_blocked
from runner.executors.safe_path import safe_path
from runner.executors.threads import DaemonThreadExecutor
from runner.interpreter import for_many_threads
from runner.text import spill

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

__all__ = ["ThreadedProcessExecutor"]

P = ParamSpec("P")
T = TypeVar("T")

_TOLD = 0  # the number of what is no call; calls count from 1
_JOIN_S = 5.0
_MOST_FRUITLESS = 3
"""So many processes that died one after the other without a single answer are not replaced any more."""


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
    share: int
    threads: int
    running: dict[int, _Call] = field(default_factory=dict)
    answered: bool = False

    @property
    def free(self) -> int:
        """How many calls more it can take."""
        return self.threads - len(self.running)


class ThreadedProcessExecutor(Executor):
    """An executor over processes that each run several calls at once.

    Functions, arguments and results must pickle. A call whose process dies raises `BrokenProcessPool`; the
    others go on, and another process takes its place.

    Args:
        workers: Calls in flight at once, over all processes.
        processes: How many processes; one for each core that this process may use, by default.
        start_method: How they are started: `spawn`, or `forkserver`, which is quicker for those that take the
            place of others. `fork` would copy the locks of threads that are not copied with it.

    Attributes:
        processes: How many processes there are.
    """

    def __init__(self, workers: int, processes: int | None = None, start_method: str = "spawn") -> None:
        count = max(1, min(processes or cores(), workers))
        self.processes = count
        self._lock = threading.Lock()
        self._pending: deque[_Call] = deque()
        self._next = 0
        self._shut = False
        self._fruitless = 0
        self._context = multiprocessing.get_context(start_method)
        # For outputs in all workers together, half of what is for those in this process, which has them last.
        self._memory = spill.MEMORY // (2 * count)
        self._workers: list[_Worker] = []
        self._readers: list[threading.Thread] = []
        for index in range(count):
            try:
                with self._lock:
                    self._add(workers // count + (index < workers % count))
            except Exception:
                if index == 0:
                    raise
                break  # the system has no room for more: those that there are go on
        self.processes = max(1, len(self._workers))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Give a call to the process that has most room; keep it back while none has any.

        Raises:
            RuntimeError: The executor has been shut down.
            pickle.PicklingError: The call cannot travel to a process.
        """
        call = _Call(Future(), packed(fn, args, kwargs))
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
        message = pickle.dumps((_TOLD, packed(fn, args, kwargs)))
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

    def _add(self, threads: int) -> None:
        """Start a process, and the thread that reads what it answers. Called locked."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined] # every context has it
            target=_serve,
            args=(theirs, threads, tuple(kept_back()), self._memory),
            name="runner-worker",
            daemon=True,
        )
        try:
            with safe_path():
                # Starting the tracker of resources unblocks the signal, so it has to be there before.
                resource_tracker.ensure_running()
                with sigint_blocked():
                    process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = _Worker(process, ours, threads, threads)
        reader = threading.Thread(target=self._read, args=(worker,), name="runner-process", daemon=True)
        self._workers.append(worker)  # before its reader starts, which may find it dead at once
        self._readers.append(reader)
        try:
            reader.start()
        except BaseException:  # a process to which nothing listens would never answer
            self._workers.remove(worker)
            self._readers.remove(reader)
            ours.close()
            process.terminate()
            raise

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
            if call.future.running() or call.future.set_running_or_notify_cancel():
                self._send(worker, call)
        if self._shut:
            for worker in self._workers:
                if not worker.running:
                    with suppress(OSError):
                        worker.pipe.send_bytes(b"")

    def _send(self, worker: _Worker, call: _Call) -> None:
        self._next += 1
        worker.running[self._next] = call
        try:
            worker.pipe.send_bytes(pickle.dumps((self._next, call.payload)))
        except OSError:  # it has just died, and will be buried by its reader: somebody else can still have it
            del worker.running[self._next]
            worker.threads = len(worker.running)
            self._pending.appendleft(call)

    def _cancel_pending(self) -> None:
        for call in self._pending:
            if call.future.running():
                call.future.set_exception(CancelledError())
            else:
                call.future.cancel()
                call.future.set_running_or_notify_cancel()
        self._pending.clear()

    def _read(self, worker: _Worker) -> None:
        """Resolve futures from one process's answers until it ends."""
        while True:
            try:
                self._take(worker)
            except (EOFError, OSError):
                break
            except Exception:  # noqa: BLE001 - whatever it wrote is no answer
                worker.process.terminate()
                break
        self._bury(worker)

    def _take(self, worker: _Worker) -> None:
        """Resolve a future from the next answer of a process; nothing of it is held afterwards.

        Raises:
            EOFError, OSError: The process has ended.
            Exception: What it wrote is no answer.
        """
        number, raised = pickle.loads(worker.pipe.recv_bytes())  # noqa: S301 - from our own child
        came = Answer(raised, worker.pipe.recv_bytes())
        with self._lock:
            call = worker.running.pop(number)
            worker.answered = True
            self._dispatch()
        settle(call.future, came)

    def _bury(self, worker: _Worker) -> None:
        """Put another process in the place of one that has ended, and fail what it had."""
        worker.pipe.close()
        worker.process.join(_JOIN_S)
        with self._lock:
            self._workers = [other for other in self._workers if other is not worker]
            lost = list(worker.running.values())
            worker.running.clear()
            self._fruitless = 0 if worker.answered else self._fruitless + 1
            wanted = self._pending or not self._shut
            if wanted and self._fruitless < _MOST_FRUITLESS:
                with suppress(Exception):  # no process or thread is to be had: those that are left go on
                    self._add(worker.share)
            self._dispatch()
        for call in lost:
            call.future.set_exception(
                BrokenProcessPool(
                    f"worker process {worker.process.pid} died (exit code {worker.process.exitcode})"
                )
            )


def _serve(pipe: Connection, threads: int, secrets: tuple[str, ...], memory: int) -> None:
    """The life of a worker process: take calls, answer each when done, end when told or left alone."""
    keep_back(*secrets)
    spill.limit(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the user sees
    signal.signal(signal.SIGHUP, _stay)  # and so is the end of the terminal
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    answering = threading.Lock()
    sys.stdout = sys.stderr  # a program's stdout is for its results, and what a call prints is none
    with for_many_threads(), DaemonThreadExecutor(threads) as pool:
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
                try:
                    pool.submit(_answer, pipe, answering, number, payload)
                except RuntimeError as exc:  # the system gives it not even one thread
                    _send_back(pipe, answering, number, not_begun(f"{exc}; raise `ulimit -u`"))


def _stay(_number: int, _frame: object) -> None:
    """Ignore the signal: the parent tells the worker which calls to end. Programs started here get it."""


def _answer(pipe: Connection, answering: threading.Lock, number: int, payload: bytes) -> None:
    _send_back(pipe, answering, number, outcome(payload))


def _send_back(pipe: Connection, answering: threading.Lock, number: int, came: Outcome) -> None:
    """Send an outcome to the parent; one at a time is packed, and only once, since results may be large."""
    with answering, suppress(OSError):
        packed = came.packed()
        pipe.send_bytes(pickle.dumps((number, packed.raised)))
        pipe.send_bytes(packed.payload)
