"""The executor of one run, and what it has in flight."""

from __future__ import annotations

from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING

from runner import executors
from runner.fanout.events import Event, Finished
from runner.fanout.outcome import without_outcome
from runner.jobs import Job, perform
from runner.models import HostResult, Status
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    from runner.fanout.connecting import Connecting
    from runner.fanout.options import FanoutOptions
    from runner.fanout.ready_queue import Waiting
    from runner.models import Host
    from runner.reach import ReachOptions

__all__ = ["RESOURCE", "WorkerPool"]

RESOURCE = "runner_dask_resource"
"""The variable that names the resource which workers must have to reach a host."""


class WorkerPool:
    """Those who work: an executor, and the futures that it has not settled.

    Args:
        options: How the work is spread.
        most: Hosts in flight at once.
        task: The job, how hosts are connected to, and the run's id.
        running: Futures by host name, which others may read; None while one is being submitted.
        events: Where a future that is done is put.

    Raises:
        UsageError: The executor cannot be used.

    Attributes:
        most: How many hosts the executor has in flight at once, whatever was asked for.
        elsewhere: Whether its workers stand elsewhere, so that they have to ping hosts themselves.
        in_process: Whether they work in this process, so that what is open here can be handed to them.
        reach: How they ping a host before they work on it; None if they do not.
    """

    reach: ReachOptions | None = None

    def __init__(
        self,
        options: FanoutOptions,
        most: int,
        task: tuple[Job, Connecting, str],
        running: dict[str, Future[HostResult] | None],
        events: SimpleQueue[Event],
    ) -> None:
        self._job, self._connecting, self._run = task
        self._running = running
        self._events = events
        self._executor = executors.create(options.executor, most, options.executor_settings)
        self.most: int = getattr(self._executor, "max_workers", most)
        self.elsewhere: bool = getattr(self._executor, "elsewhere", False)
        self.in_process: bool = getattr(self._executor, "in_process", False)
        self._connection = self._connecting.options(getattr(self._executor, "processes", 1))

    def submit(self, waiting: Waiting) -> HostResult | None:
        """Hand a host to the executor; return its result where the executor does not take it."""
        host, reached = waiting
        self._running[host.name] = None
        arguments = (host, self._job, self._connection, reached, self._run, self.reach)
        try:
            future = self._submitter(host)(perform, *arguments)
        except Exception as exc:  # executors refuse in many ways: broken, shut down, unpicklable  # noqa: BLE001
            del self._running[host.name]
            text = f"not started: {value_text(exc)}"
            return without_outcome(host, reached, Status.ERROR, "not-submitted", text, sent=False)
        self._running[host.name] = future
        events = self._events
        future.add_done_callback(lambda done: events.put(Finished(host, reached, done)))
        return None

    def _submitter(self, host: Host) -> Callable[..., Future[HostResult]]:
        """Return what takes a host: the executor, or that part of it which the host's variable names."""
        place = host.variables.get(RESOURCE)
        chosen: Callable[..., Future[HostResult]] | None = getattr(self._executor, "submit_to", None)
        if place in (None, "") or chosen is None:
            return self._executor.submit
        return partial(chosen, str(place))

    def end_running(self) -> None:
        """End what runs, in whichever process it is, so that remote commands are told to end too."""
        self._connecting.abort(self._run)
        self._ask_executor("tell_workers", self._connecting.abort, self._run)

    def close(self, grace_s: float) -> None:
        """Leave nothing behind: end what still runs, and the executor.

        Args:
            grace_s: How long what runs has to end in good order.
        """
        if self._running:
            self.end_running()
        futures = [future for future in self._running.values() if future is not None]
        # What still runs has to find the run stopped, or it would try again.
        if not wait(futures, grace_s).not_done:
            self._connecting.forget(self._run)
        else:
            self._ask_executor("terminate_workers")
        executors.end(self._executor, wait=not self._running)

    def _ask_executor(self, what: str, *arguments: object) -> None:
        """Call what only executors over processes of our own have."""
        ask: Callable[..., None] | None = getattr(self._executor, what, None)
        if ask is not None:
            ask(*arguments)
