"""An executor with several processes, each of which runs many threads.

`ProcessPoolExecutor` gives each process one call at a time, and if one worker dies, it fails every call of
the pool. Here each process runs many calls in threads, and if it dies, only its own calls fail.
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

_TOLD = 0  # the number of a message for the worker itself; calls are numbered from 1
_JOIN_S = 5.0
_MOST_FRUITLESS = 3
"""After this many processes in a row that died without an answer, dead processes are not replaced."""


@dataclass(slots=True, eq=False)
class _Call:
    """One submitted call."""

    future: Future[Any]
    payload: bytes


@dataclass(slots=True, eq=False)
class _Worker:
    """One process, and the calls that it is running."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    share: int
    threads: int
    running: dict[int, _Call] = field(default_factory=dict)
    answered: bool = False

    @property
    def free(self) -> int:
        """The number of further calls that it can take."""
        return self.threads - len(self.running)


class ThreadedProcessExecutor(Executor):
    """An executor with processes that each run several calls at once.

    Functions, arguments and results must pickle. If a process dies, its calls raise `BrokenProcessPool`; the
    other calls continue, and a new process replaces it.

    Args:
        workers: Most calls at once, over all processes.
        processes: The number of processes; by default, one for each core that this process may use.
        start_method: How processes are started: `spawn`, or `forkserver`, which starts replacements faster.
            `fork` would copy locks held by threads that do not exist in the child.

    Attributes:
        processes: The number of processes.
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
        # All workers together keep half as much output in memory as this process, where all outputs end up.
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
                break  # the system cannot start more processes: continue with fewer
        self.processes = max(1, len(self._workers))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Send a call to the process with the most free threads; queue it while no thread is free.

        Raises:
            RuntimeError: The executor has been shut down.
            pickle.PicklingError: The call cannot be pickled.
        """
        call = _Call(Future(), packed(fn, args, kwargs))
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new calls after shutdown")
            self._pending.append(call)
            self._dispatch()
        return call.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when their calls are done; with `cancel_futures`, cancel the queued calls."""
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
        """Call `fn` once in each process, while its other calls run; no result is returned."""
        message = pickle.dumps((_TOLD, packed(fn, args, kwargs)))
        with self._lock:
            for worker in self._workers:
                with suppress(OSError):
                    worker.pipe.send_bytes(message)

    def terminate_workers(self) -> None:
        """End the processes now; their running calls raise `BrokenProcessPool`."""
        with self._lock:
            self._shut = True
            self._cancel_pending()
            for worker in self._workers:
                worker.process.terminate()

    def _add(self, threads: int) -> None:
        """Start a process, and the thread that reads its answers. The caller holds the lock."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(  # type: ignore[attr-defined] # every context has it
            target=_serve,
            args=(theirs, threads, tuple(kept_back()), self._memory),
            name="runner-worker",
            daemon=True,
        )
        try:
            with safe_path():
                # Starting the resource tracker unblocks the signal, so start it before blocking.
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
        self._workers.append(worker)  # before its reader starts, which may find the process dead at once
        self._readers.append(reader)
        try:
            reader.start()
        except BaseException:  # without a reader thread, the process's calls would never end
            self._workers.remove(worker)
            self._readers.remove(reader)
            ours.close()
            process.terminate()
            raise

    def _dispatch(self) -> None:
        """Send queued calls to processes with free threads; end idle ones after shutdown. Called locked."""
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
        except (
            OSError
        ):  # the process has just died: its reader replaces it, and another process takes this call
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
        """Set futures from the answers of one process until it ends."""
        while True:
            try:
                self._take(worker)
            except (EOFError, OSError):
                break
            except Exception:  # noqa: BLE001 - the process sent something other than an answer
                worker.process.terminate()
                break
        self._bury(worker)

    def _take(self, worker: _Worker) -> None:
        """Set a future from the next answer of a process; keep no reference to the answer.

        Raises:
            EOFError, OSError: The process has ended.
            Exception: The process sent something other than an answer.
        """
        number, raised = pickle.loads(worker.pipe.recv_bytes())  # noqa: S301 - from our own child
        came = Answer(raised, worker.pipe.recv_bytes())
        with self._lock:
            call = worker.running.pop(number)
            worker.answered = True
            self._dispatch()
        settle(call.future, came)

    def _bury(self, worker: _Worker) -> None:
        """Replace a process that has ended, and fail its calls."""
        worker.pipe.close()
        worker.process.join(_JOIN_S)
        with self._lock:
            self._workers = [other for other in self._workers if other is not worker]
            lost = list(worker.running.values())
            worker.running.clear()
            self._fruitless = 0 if worker.answered else self._fruitless + 1
            wanted = self._pending or not self._shut
            if wanted and self._fruitless < _MOST_FRUITLESS:
                with suppress(Exception):  # no process or thread can be started: continue with the others
                    self._add(worker.share)
            self._dispatch()
        for call in lost:
            call.future.set_exception(
                BrokenProcessPool(
                    f"worker process {worker.process.pid} died (exit code {worker.process.exitcode})"
                )
            )


def _serve(pipe: Connection, threads: int, secrets: tuple[str, ...], memory: int) -> None:
    """Run a worker process: answer each call when it is done; end on request or when the parent ends."""
    keep_back(*secrets)
    spill.limit(memory)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    signal.signal(signal.SIGHUP, _stay)  # and the end of the terminal
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    answering = threading.Lock()
    sys.stdout = sys.stderr  # stdout is for the run's results, not for prints of a call
    with for_many_threads(), DaemonThreadExecutor(threads) as pool:
        while True:
            try:
                message = pipe.recv_bytes()
            except EOFError:
                os._exit(1)  # the parent has ended
            if not message:
                return
            number, payload = pickle.loads(message)  # noqa: S301 - from our own parent
            if number == _TOLD:
                fn, args, kwargs = pickle.loads(payload)  # noqa: S301 - from our own parent
                fn(*args, **kwargs)
            else:
                try:
                    pool.submit(_answer, pipe, answering, number, payload)
                except RuntimeError as exc:  # the system cannot start a single thread
                    _send_back(pipe, answering, number, not_begun(f"{exc}; raise `ulimit -u`"))


def _stay(_number: int, _frame: object) -> None:
    """Ignore the signal in the worker, not in programs that it starts: the parent says which calls to end."""


def _answer(pipe: Connection, answering: threading.Lock, number: int, payload: bytes) -> None:
    _send_back(pipe, answering, number, outcome(payload))


def _send_back(pipe: Connection, answering: threading.Lock, number: int, came: Outcome) -> None:
    """Send an outcome to the parent; pickle one at a time, because results may be large."""
    with answering, suppress(OSError):
        packed = came.packed()
        pipe.send_bytes(pickle.dumps((number, packed.raised)))
        pipe.send_bytes(packed.payload)
