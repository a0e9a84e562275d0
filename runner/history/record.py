"""The values that the history returns: a run with its results, or a summary of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.models import HostResult, Status

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runner.models import Run

__all__ = ["Query", "Record", "Span", "Summary"]


@dataclass(frozen=True, slots=True)
class Span:
    """When a host was processed, in seconds since its run began.

    Attributes:
        start_s: When work on it began, as far as known.
        end_s: When its result arrived; None if none did.
    """

    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """A run as stored in the history.

    Attributes:
        run: The run.
        results: The result of each host that has one.
        started: Hosts that had been handed to a worker.
        hosts: All hosts of the run, in order.
        arguments: The arguments of a host task, as text by name.
        spans: When each host was processed; missing in runs of the first version.
        complete: Whether the record holds everything that was done. If the history cannot be written any
            more, a run continues without it.
    """

    run: Run
    results: dict[str, HostResult]
    started: frozenset[str]
    hosts: tuple[str, ...]
    arguments: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    complete: bool = True

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Hosts to which a command may have been sent and whose outcome is unknown."""
        return tuple(name for name in self.hosts if self._doubtful(name))

    @property
    def missing(self) -> tuple[str, ...]:
        """Hosts that the run did not reach."""
        return tuple(name for name in self.hosts if not self._doubtful(name) and self._untouched(name))

    @property
    def failed(self) -> tuple[str, ...]:
        """Hosts that did not end `ok`, and those that have no result."""
        return tuple(name for name in self.hosts if name not in self.results or not self.results[name].ok)

    def result(self, name: str) -> HostResult:
        """Return a host's result; for a host without one, a result that says what is known."""
        if name in self.results:
            return self.results[name]
        if name in self.started:
            text = "the run was killed while it worked on this host: the outcome is unknown"
            return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)
        if not self.complete:
            text = "the history could not be written any more: it is unknown if this host was started"
            return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)
        return HostResult(
            name, Status.CANCELLED, reason="not-reached", error="the run did not reach this host"
        )

    def _untouched(self, name: str) -> bool:
        """Return whether the record says that nothing was done on a host."""
        never = (Status.CANCELLED, Status.SKIPPED)
        return name not in self.results or self.results[name].status in never

    def _doubtful(self, name: str) -> bool:
        result = self.results.get(name)
        if not self.complete and self._untouched(name):
            return True
        if result is None:
            return name in self.started
        return result.status is Status.LOST or (result.status is Status.CANCELLED and result.sent)


@dataclass(frozen=True, slots=True)
class Query:
    """A search for runs; a field that is None is not a condition.

    Attributes:
        host: A host's name, with wildcards `*` and `?`: runs that include it.
        status: Runs in which a host (that of `host`, if given) ended with this status.
        task: The task's name.
        command: Text that one of the commands contains; upper and lower case are equal.
        since: Runs that began then or later.
        until: Runs that began earlier.
        limit: Maximum number of runs, newest first; None means all.
    """

    host: str | None = None
    status: Status | None = None
    task: str | None = None
    command: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in a list.

    Attributes:
        run: The run.
        counts: Number of hosts by status.
        without_result: Number of hosts without a result.
    """

    run: Run
    counts: Mapping[Status, int]
    without_result: int
