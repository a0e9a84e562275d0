"""The part that runs in a Dask worker: it runs one client's calls in threads and sends back the answers."""

from __future__ import annotations

import logging
import pickle
import signal
import sys
import threading
from concurrent.futures import Future, InvalidStateError
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
"""Most bytes of answers in one message, unless a single answer is larger."""

_lanes: dict[str, _Lane] = {}
_lock = threading.Lock()


class WrongWorker(RuntimeError):
    """The worker that the calls were sent to is gone, and another one has taken its address."""


class Introduction(NamedTuple):
    """A worker's description of itself: its unique id, its resources, its version of invoke-runner."""

    id: str
    resources: frozenset[str]
    version: str


class Post(NamedTuple):
    """A message from a worker: answers with the numbers of their calls."""

    answers: tuple[tuple[int, Answer], ...]


def introduce(dask_worker: Worker) -> Introduction:
    """Return this worker's introduction, and stop Dask's profiler in it.

    The profiler samples all threads a hundred times a second. If it does so while a thread starts, CPython
    before 3.11.9 may deadlock (cpython issue #106883), and the worker with it.
    """
    from runner import __version__  # noqa: PLC0415 - the version installed on this worker

    profiler = dask_worker.periodic_callbacks.get("profile")
    if profiler is not None:
        profiler.stop()
    return Introduction(dask_worker.id, frozenset(dask_worker.state.total_resources), __version__)


def keep_quiet() -> None:
    """Detach a local worker from the user's terminal: ignore Ctrl-C and hangup, and print to stderr."""
    sys.stdout = sys.stderr  # stdout is for the run's results, not for prints of a call
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with suppress(ValueError):  # only the main thread may set signal handlers
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)  # programs started here still get it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


async def told(fn: Callable[..., object], *arguments: object) -> None:
    """Call a function in the worker; as a coroutine, because Dask skips waiting only for coroutines."""
    fn(*arguments)


def work(name: str, worker: str, calls: list[tuple[int, bytes]]) -> None:
    """Run calls, each in its own thread; return when the last answer has been sent.

    Args:
        name: The name of the lane, and of the queue that answers go to.
        worker: Id of the worker that the calls are meant for. Dask may rerun a task whose worker died, but a
            call that may be half done must not be repeated.
        calls: Numbers and pickled calls.

    Raises:
        WrongWorker: This is another worker.
    """
    from distributed import get_worker, secede  # noqa: PLC0415 - only needed in a worker

    here = get_worker()
    if here.id != worker:
        raise WrongWorker(f"the worker {worker} is gone")
    secede()  # so that the next calls need not wait for these
    lane = _lane(name, here)
    for left in [lane.add(number, payload) for number, payload in calls]:
        left.result()


def close(name: str) -> None:
    """Cancel the calls that a lane has not begun, and let its threads end."""
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
    """The threads that run one client's calls, and the thread that sends their answers."""

    def __init__(self, name: str, worker: Worker) -> None:
        self._threads = DaemonThreadExecutor(_MOST_THREADS)
        self._done: SimpleQueue[tuple[int, Answer, Future[None]] | None] = SimpleQueue()
        self._unsent: set[Future[None]] = set()
        threading.Thread(target=self._send, args=(name, worker), name="runner-lane", daemon=True).start()

    def add(self, number: int, payload: bytes) -> Future[None]:
        """Run a call in a thread; return a future that is done when its answer has been sent."""
        left: Future[None] = Future()
        self._unsent.add(left)
        left.add_done_callback(self._unsent.discard)
        self._threads.submit(self._do, number, payload, left)
        return left

    def close(self) -> None:
        """Accept no more calls, wait for no answer, and end the threads when their present calls are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._done.put(None)
        for left in tuple(self._unsent):  # `work` would wait for them forever
            _settle(left, None)

    def _do(self, number: int, payload: bytes, left: Future[None]) -> None:
        self._done.put((number, answer(payload), left))

    def _send(self, name: str, worker: Worker) -> None:
        from distributed import Queue  # noqa: PLC0415 - only needed in a worker

        queue = Queue(name, client=worker._get_client())  # noqa: SLF001 - `get_client` needs a task's thread
        open_ = True
        while open_:
            taken = [self._done.get(), *self._more()]
            open_ = None not in taken
            _post(queue, [each for each in taken if each is not None])
        queue.close()

    def _more(self) -> list[tuple[int, Answer, Future[None]] | None]:
        """Return the answers that are ready, up to one message's worth."""
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
    except Exception as exc:  # noqa: BLE001 - reported as the failure of the batch
        failure = exc
    for _, _, left in done:
        _settle(left, failure)


def _settle(left: Future[None], failure: Exception | None) -> None:
    """Complete the future of an answer, unless closing the lane has done so."""
    with suppress(InvalidStateError):
        if failure is None:
            left.set_result(None)
        else:
            left.set_exception(failure)
