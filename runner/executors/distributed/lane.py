"""What runs in a Dask worker: one client's calls, each in a thread, and the way their answers go back."""

from __future__ import annotations

import logging
import pickle
import signal
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from runner.executors.answers import Answer, answer
from runner.executors.threads import DaemonThreadExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Queue, Worker

__all__ = ["Introduction", "Post", "WrongWorker", "close", "introduce", "keep_quiet", "told", "work"]

_MOST_THREADS = 10_000
_MOST_BYTES = 2**20
"""Answers that go back in one message, unless one alone is larger."""

_lanes: dict[str, _Lane] = {}
_lock = threading.Lock()


class WrongWorker(RuntimeError):
    """The worker that calls were sent to is no more: this one stands at its address."""


class Introduction(NamedTuple):
    """What a worker says of itself: its id, which no other ever has, its resources, its version of us."""

    id: str
    resources: frozenset[str]
    version: str


class Post(NamedTuple):
    """What comes back: answers by the numbers of their calls."""

    answers: tuple[tuple[int, Answer], ...]


def introduce(dask_worker: Worker) -> Introduction:
    """Say who this worker is, and let it rest from looking into its threads.

    Dask's profiler asks a hundred times a second what all threads do. Where that meets the start of a thread,
    CPython before 3.11.9 may stand still for ever (cpython issue #106883), and the worker with it.
    """
    from runner import __version__  # noqa: PLC0415 - of the code that is installed here

    profiler = dask_worker.periodic_callbacks.get("profile")
    if profiler is not None:
        profiler.stop()
    return Introduction(dask_worker.id, frozenset(dask_worker.state.total_resources), __version__)


def keep_quiet() -> None:
    """Take a worker of our own out of the user's terminal: its Ctrl-C and its stdout are not for it."""
    sys.stdout = sys.stderr  # a program's stdout is for its results, and what a call prints is none
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with suppress(ValueError):  # only the main thread may say so
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)  # what is started here may end by it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


async def told(fn: Callable[..., object], *arguments: object) -> None:
    """Call a function beside what the worker does; Dask waits for no answer of a coroutine only."""
    fn(*arguments)


def work(name: str, worker: str, calls: list[tuple[int, bytes]]) -> None:
    """Do calls, each in a thread of its own; return when the answer of the last has left.

    Args:
        name: The lane, which is the name of the queue that answers go to.
        worker: Id of the worker that they were meant for. Dask may run again what was under way when a
            worker died; a call that may have been half done is never done again.
        calls: Pickled calls and their numbers.

    Raises:
        WrongWorker: This is another worker.
    """
    from distributed import get_worker, secede  # noqa: PLC0415 - there where this runs

    here = get_worker()
    if here.id != worker:
        raise WrongWorker(f"the worker {worker} is no more")
    secede()  # the next calls need not wait for the end of these
    lane = _lane(name, here)
    for left in [lane.add(number, payload) for number, payload in calls]:
        left.result()


def close(name: str) -> None:
    """Drop what a lane has not begun, and let its threads end."""
    with _lock:
        lane = _lanes.pop(name, None)
    if lane is not None:
        lane.close()


def _lane(name: str, worker: Worker) -> _Lane:
    with _lock:
        if name not in _lanes:
            _lanes[name] = _Lane(name, worker)
        return _lanes[name]


class _Lane:
    """The threads that work for one client, and the one that sends what they come to."""

    def __init__(self, name: str, worker: Worker) -> None:
        self._threads = DaemonThreadExecutor(_MOST_THREADS)
        self._done: SimpleQueue[tuple[int, Answer, Future[None]] | None] = SimpleQueue()
        threading.Thread(target=self._send, args=(name, worker), name="runner-lane", daemon=True).start()

    def add(self, number: int, payload: bytes) -> Future[None]:
        """Do a call; return a future that is done when its answer has left."""
        left: Future[None] = Future()
        self._threads.submit(self._do, number, payload, left)
        return left

    def close(self) -> None:
        """Take nothing more, and end the threads when they have done what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._done.put(None)

    def _do(self, number: int, payload: bytes, left: Future[None]) -> None:
        self._done.put((number, answer(payload), left))

    def _send(self, name: str, worker: Worker) -> None:
        from distributed import Queue  # noqa: PLC0415 - there where this runs

        queue = Queue(name, client=worker._get_client())  # noqa: SLF001 - `get_client` wants a task's thread
        open_ = True
        while open_:
            taken = [self._done.get(), *self._more()]
            open_ = None not in taken
            _post(queue, [each for each in taken if each is not None])
        queue.close()

    def _more(self) -> list[tuple[int, Answer, Future[None]] | None]:
        """Take what is done by now, up to one message's worth."""
        found: list[tuple[int, Answer, Future[None]] | None] = []
        size = 0
        while size < _MOST_BYTES:
            try:
                each = self._done.get_nowait()
            except Empty:
                break
            found.append(each)
            size += len(each[1].payload) if each is not None else 0
        return found


def _post(queue: Queue, done: list[tuple[int, Answer, Future[None]]]) -> None:
    if not done:
        return
    message = pickle.dumps(Post(tuple((number, came) for number, came, _ in done)))
    failure: Exception | None = None
    try:
        queue.put(message)
    except Exception as exc:  # noqa: BLE001 - the batch says so, where it can
        failure = exc
    for _, _, left in done:
        if failure is None:
            left.set_result(None)
        else:
            left.set_exception(failure)
