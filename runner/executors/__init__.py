"""Executors by name: each is a `concurrent.futures.Executor`.

Third parties add executors to the entry-point group `runner.executors`, which also holds the built-in ones.
The fan-out uses only `submit`, futures and `shutdown`.
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
    """The type of the entry points in the group `runner.executors`."""

    def __call__(self, workers: int, **settings: Any) -> Executor:
        """Return an executor that runs up to `workers` calls at once.

        The factory receives the settings of the run (`scheduler`, `start_method`) that it has parameters for.
        """


def names() -> list[str]:
    """Return the names of all installed executors."""
    return plugins.names(GROUP)


def create(name: str, workers: int, settings: Mapping[str, Any] | None = None) -> Executor:
    """Create the executor with this name.

    Args:
        name: The name.
        workers: Most calls at once.
        settings: The run's settings, from which the factory picks.

    Raises:
        UsageError: The name is unknown, or the executor cannot be started here.
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
        raise UsageError(f"--executor {name} is not a concurrent.futures.Executor: {executor!r}")
    return executor


def _wanted(factory: ExecutorFactory, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a factory has parameters for."""
    named = inspect.signature(factory).parameters
    return {name: value for name, value in settings.items() if name in named}


def end(executor: Executor, *, wait: bool) -> None:
    """Shut down an executor and cancel calls not begun, if its `shutdown` accepts `cancel_futures`."""
    try:
        executor.shutdown(wait=wait, cancel_futures=True)
    except TypeError:
        executor.shutdown(wait=wait)


class SerialExecutor(Executor):
    """Runs each call at once in the submitting thread, so that a breakpoint in a job works.

    Attributes:
        max_workers: Always 1, whatever number was requested; the fan-out reads it.
        in_process: Always True: calls run in this process, so that open resources can be passed to them.
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
        except BaseException as exc:  # the future carries any exception of its call  # noqa: BLE001
            future.set_exception(exc)
        return future


def serial(workers: int) -> Executor:  # noqa: ARG001 - always one at a time
    """Return an executor that runs one host after the other, in the caller's thread."""
    return SerialExecutor()


def thread(workers: int) -> Executor:
    """Return an executor with one thread for each host in progress: right for nearly every fleet."""
    from runner.executors.threads import DaemonThreadExecutor  # noqa: PLC0415 - each executor loads its own parts

    return DaemonThreadExecutor(workers)


def process(workers: int, start_method: str = "spawn") -> Executor:
    """Return an executor with one process per core; the workers are divided among them as threads.

    Use it for many hundreds of hosts at once, or if key exchange is expensive: key exchange holds the
    interpreter lock, so that one process makes about twenty logins a second with DH group 16, whatever its
    number of threads.
    """
    from runner.executors.processes import ThreadedProcessExecutor  # noqa: PLC0415 - multiprocessing is slow to import

    return ThreadedProcessExecutor(workers, start_method=start_method)


def dask(workers: int, scheduler: str | None = None) -> Executor:
    """Return an executor over Dask workers, each of which connects to hosts from its own machine, in threads.

    Args:
        workers: Most calls at once.
        scheduler: Address of the scheduler; without one, a temporary cluster is started on this machine.

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
