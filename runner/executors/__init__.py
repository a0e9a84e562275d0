"""How work is spread: a name -> a `concurrent.futures.Executor`.

Third parties add theirs to the entry-point group `runner.executors`; ours come in by the same door. The
fan-out uses nothing but `submit`, futures and `shutdown`.
"""

from __future__ import annotations

import inspect
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from runner import plugins
from runner.errors import MissingExtra, RunnerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "ExecutorFactory",
    "SerialExecutor",
    "create",
    "dask",
    "end",
    "names",
    "process",
    "serial",
    "thread",
]

GROUP = "runner.executors"

P = ParamSpec("P")
T = TypeVar("T")


class ExecutorFactory(Protocol):
    """What the entry-point group `runner.executors` holds."""

    def __call__(self, workers: int, **settings: Any) -> Executor:
        """Return an executor that has up to `workers` calls in flight at once.

        Of the settings of a run (`scheduler`, `start_method`) it is given those that it names as parameters.
        """


def names() -> list[str]:
    """Return the names of all executors that are installed."""
    return plugins.names(GROUP)


def create(name: str, workers: int, settings: Mapping[str, Any] | None = None) -> Executor:
    """Return the executor of this name.

    Args:
        name: The name.
        workers: Calls in flight at once.
        settings: What a factory may want to know of the run's settings.

    Raises:
        UsageError: There is none, or it cannot be used here.
    """
    if name not in names():
        raise UsageError(f"--executor: {name!r} is not known; known: {', '.join(names())}")
    try:
        factory: ExecutorFactory = plugins.load(GROUP, name)
        executor = factory(workers, **_wanted(factory, settings or {}))
    except plugins.BrokenPlugin as exc:
        raise UsageError(f"--executor {name} cannot be started: {exc}") from exc
    except RunnerError:
        raise
    except Exception as exc:  # a third party's factory may raise anything
        raise UsageError(f"--executor {name} cannot be started: {type(exc).__name__}: {exc}") from exc
    if not callable(getattr(executor, "submit", None)) or not callable(getattr(executor, "shutdown", None)):
        raise UsageError(f"--executor {name} is no concurrent.futures.Executor but {executor!r}")
    return executor


def _wanted(factory: ExecutorFactory, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a factory names as parameters."""
    named = inspect.signature(factory).parameters
    return {name: value for name, value in settings.items() if name in named}


def end(executor: Executor, *, wait: bool) -> None:
    """Shut an executor down, dropping what it has not begun; not every one takes `cancel_futures`."""
    try:
        executor.shutdown(wait=wait, cancel_futures=True)
    except TypeError:
        executor.shutdown(wait=wait)


class SerialExecutor(Executor):
    """Does each call at once, in the thread that submits it: a breakpoint in a job works.

    Attributes:
        max_workers: How many calls it has in flight at once, whatever was asked for; the fan-out looks here.
        in_process: That it works in this process, so that what is open here can be handed to it.
    """

    max_workers = 1
    in_process = True

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` and return a future that is done."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(fn(*args, **kwargs))
        except KeyboardInterrupt:
            raise
        except BaseException as exc:  # a future carries whatever its call raised  # noqa: BLE001
            future.set_exception(exc)
        return future


def serial(workers: int) -> Executor:  # noqa: ARG001 - one at a time, whatever is asked for
    """One host after the other, in the caller."""
    return SerialExecutor()


def thread(workers: int) -> Executor:
    """One thread for each host in flight: right for nearly every fleet."""
    from runner.executors.threads import DaemonThreadExecutor  # noqa: PLC0415 - each executor loads its own parts

    return DaemonThreadExecutor(workers)


def process(workers: int, start_method: str = "spawn") -> Executor:
    """One process a core, each with its share of the workers as threads.

    Right where many hundreds of hosts are worked on at once, and where key exchange is heavy: it holds the
    interpreter lock, and so one process does about twenty logins a second with DH group 16, whatever its
    number of threads.
    """
    from runner.executors.processes import ThreadedProcessExecutor  # noqa: PLC0415 - multiprocessing is slow to import

    return ThreadedProcessExecutor(workers, start_method=start_method)


def dask(workers: int, scheduler: str | None = None) -> Executor:
    """Dask workers, each with its share of the workers as threads, dialling from where it stands.

    Args:
        workers: Calls in flight at once.
        scheduler: Address of the scheduler; without one, a cluster on this machine for as long as it is used.

    Raises:
        MissingExtra: Dask is not installed.
        UsageError: The scheduler cannot be used.
    """
    try:
        import distributed  # noqa: F401, PLC0415 - the extra may not be installed
    except ImportError as exc:
        raise MissingExtra("--executor dask", "dask") from exc
    from runner.executors.distributed import cluster  # noqa: PLC0415
    from runner.executors.distributed.executor import DaskExecutor  # noqa: PLC0415

    return DaskExecutor(cluster.connect(scheduler) if scheduler else cluster.start(workers))
