"""What the history gives back: a run with its results, or a line about it."""

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
    """When a host was worked on, in seconds after its run began.

    Attributes:
        start_s: When work on it began, as far as is known.
        end_s: When its result came; None where none did.
    """

    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """A run as the history holds it.

    Attributes:
        run: The run.
        results: The result of each host that has one.
        started: Hosts that had been handed to a worker.
        hosts: All hosts that were meant, in order.
        arguments: What a host task was called with, as text by name.
        spans: When each host was worked on; an earlier version did not keep it.
        complete: Whether it holds everything that was done. If the history could not be written any more, the
            run went on without it.
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
        """Hosts that may have been sent a command whose outcome is not known."""
        return tuple(name for name in self.hosts if self._doubtful(name))

    @property
    def missing(self) -> tuple[str, ...]:
        """Hosts that the run did not come to."""
        return tuple(name for name in self.hosts if not self._doubtful(name) and self._untouched(name))

    @property
    def failed(self) -> tuple[str, ...]:
        """Hosts that did not end `ok`, and those that have no result."""
        return tuple(name for name in self.hosts if name not in self.results or not self.results[name].ok)

    def result(self, name: str) -> HostResult:
        """Return a host's result; of a host without one, what is known of it."""
        if name in self.results:
            return self.results[name]
        if name in self.started:
            text = "the run was killed while it was at work here: what was done is not known"
            return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)
        if not self.complete:
            text = "the history could not be written any more: whether anything was done here is not known"
            return HostResult(name, Status.LOST, reason="in-doubt", error=text, sent=True)
        return HostResult(name, Status.CANCELLED, reason="not-reached", error="the run did not come to it")

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
    """Which runs are asked for; what is None is not asked about.

    Attributes:
        host: A host's name, with `*` and `?`: runs that meant it.
        status: Runs in which a host (that one, where one is asked for) ended so.
        task: The task's name.
        command: What one of the commands contains, in either case.
        since: Runs that began then or later.
        until: Runs that began before.
        limit: The most runs, newest first; None is all.
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
        counts: How many hosts ended how.
        without_result: How many hosts have no result.
    """

    run: Run
    counts: Mapping[Status, int]
    without_result: int
