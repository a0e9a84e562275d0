"""A thread pool that lets the program end even if a call never returns."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Semaphore, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DaemonThreadExecutor"]

P = ParamSpec("P")
T = TypeVar("T")


class _Call(NamedTuple):
    """One submitted call."""

    future: Future[Any]
    do: Callable[[], Any]


class DaemonThreadExecutor(Executor):
    """Runs up to `workers` calls at once, each in a daemon thread.

    With `ThreadPoolExecutor`, the interpreter waits at its exit for every running call. After a second
    request to stop, a run must not hang on a host's function that sleeps.

    Args:
        workers: Most calls at once.

    Attributes:
        in_process: Always True: calls run in this process, so that open resources can be passed to them.
    """

    in_process = True

    def __init__(self, workers: int) -> None:
        self._most = workers
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._idle = Semaphore(0)
        self._lock = Lock()
        self._threads: list[Thread] = []
        self._shut = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` in the next free thread.

        Raises:
            RuntimeError: The executor has been shut down, or the system cannot start a single thread.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._shut:
                raise RuntimeError("cannot schedule new calls after shutdown")
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
                self._grow()
            self._calls.put(_Call(future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls, and end the threads when the submitted calls are done."""
        with self._lock:
            self._shut = True
            if cancel_futures:
                self._cancel_waiting()
            for _ in self._threads:
                self._calls.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _grow(self) -> None:
        """Start one more thread; if the system cannot, continue with the present ones."""
        thread = Thread(target=self._work, name="runner-worker", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            if not self._threads:
                raise
        else:
            self._threads.append(thread)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except Empty:
                return
            if call is not None:
                call.future.cancel()
                call.future.set_running_or_notify_cancel()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if call.future.set_running_or_notify_cancel():
                _settle(call)
            del call  # so that an idle thread keeps no output in memory
            self._idle.release()


def _settle(call: _Call) -> None:
    try:
        value = call.do()
    except BaseException as exc:  # the future carries any exception of its call  # noqa: BLE001
        call.future.set_exception(exc)
    else:
        call.future.set_result(value)
