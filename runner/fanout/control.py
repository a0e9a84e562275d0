"""Watch and stop a run from outside its loop."""

from __future__ import annotations

from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from runner.errors import STOPPED
from runner.fanout.events import Event, Stop
from runner.models import Status
from runner.results.limits import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from runner.models import HostResult

__all__ = ["Control"]

_STOPPED = Verdict(Status.CANCELLED, "stopped", f"not started: {STOPPED}")


class Control:
    """A handle to watch and stop a run from a signal handler or another thread.

    Attributes:
        stopping: Whether a stop has been requested.
        workers: The current limit of hosts in flight.
    """

    def __init__(self) -> None:
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._running: dict[str, Future[HostResult] | None] = {}
        self._end_steps: Callable[[], None] = _nothing
        self.stopping = False
        self.workers = 0

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the hosts that have been handed to workers and have no result yet."""
        return tuple(self._running)

    def stop(self) -> None:
        """Start no more hosts; let those that are running finish."""
        self.stopping = True
        self._events.put(Stop(now=False, why=_STOPPED))

    def abort(self) -> None:
        """Start no more hosts, and end those that are running."""
        self._end(_STOPPED)

    def _end(self, why: Verdict) -> None:
        self.stopping = True
        self._events.put(Stop(now=True, why=why))
        # End the steps from here, too: an executor that runs jobs in the caller's thread blocks the loop, so
        # the queue is not read. Use a thread: a signal handler must not wait for a lock that the interrupted
        # code may hold.
        with suppress(RuntimeError):  # cannot start a thread: the loop ends the steps when it reads the event
            Thread(target=self._end_steps, name="runner-abort", daemon=True).start()


def _nothing() -> None:
    """Do nothing: no run has begun."""
