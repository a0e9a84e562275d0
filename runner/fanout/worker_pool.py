"""The executor of one run and its pending futures."""

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
"""The host variable that names the resource which a worker must have to reach the host."""


class WorkerPool:
    """An executor and its pending futures.

    Args:
        options: How the work is spread.
        most: Hosts in flight at once.
        task: The job, how to connect to hosts, and the run's id.
        running: Futures by host name, readable by other threads; None while a host is being submitted.
        events: Queue for finished futures.

    Raises:
        UsageError: The executor cannot be used.

    Attributes:
        most: How many hosts the executor actually has in flight at once; may differ from the argument.
        elsewhere: Whether the workers run on other machines, so that they have to ping hosts themselves.
        in_process: Whether the workers run in this process, so that open connections can be handed to them.
        reach: How workers ping a host before they start its job; None if they do not.
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
        """Submit a host to the executor; return an error result if the executor refuses it, else None."""
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
        """Return the submit function for a host, bound to the resource that its variable names, if any."""
        place = host.variables.get(RESOURCE)
        chosen: Callable[..., Future[HostResult]] | None = getattr(self._executor, "submit_to", None)
        if place in (None, "") or chosen is None:
            return self._executor.submit
        return partial(chosen, str(place))

    def end_running(self) -> None:
        """End the running jobs in all processes, so that their remote commands are ended too."""
        self._connecting.abort(self._run)
        self._ask_executor("tell_workers", self._connecting.abort, self._run)

    def close(self, grace_s: float) -> None:
        """End the jobs that still run, then shut down the executor.

        Args:
            grace_s: Seconds that running jobs have to end cleanly.
        """
        if self._running:
            self.end_running()
        futures = [future for future in self._running.values() if future is not None]
        # While a job still runs, the run must stay marked as aborted, or the job would try again.
        if not wait(futures, grace_s).not_done:
            self._connecting.forget(self._run)
        else:
            self._ask_executor("terminate_workers")
        executors.end(self._executor, wait=not self._running)

    def _ask_executor(self, what: str, *arguments: object) -> None:
        """Call a method that only executors with our own worker processes have."""
        ask: Callable[..., None] | None = getattr(self._executor, what, None)
        if ask is not None:
            ask(*arguments)
