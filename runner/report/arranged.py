"""`--only` and `--sort`: which results a reporter gets, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.models import Status
from runner.text.hostlist import natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from runner.models import HostResult, Run
    from runner.report import Reporter
    from runner.results.results import Summary

__all__ = ["ORDERS", "Arranged"]

_STATUSES = list(Status)

ORDERS: Mapping[str, Callable[[HostResult], Any]] = {
    "name": lambda result: natural(result.host),
    "status": lambda result: (_STATUSES.index(result.status), natural(result.host)),
    "duration": lambda result: (-result.duration_s, natural(result.host)),
}
"""Sort keys by the value of `--sort`; `duration` puts the longest first."""


class Arranged:
    """A reporter that filters results for another one and passes them on, at once or sorted at the end.

    Args:
        reporter: The reporter that writes.
        places: The position of each host in the inventory.
        only: Statuses of the results that are shown; all if empty. The summary counts every host.
        order: A name in `ORDERS`; None for the order of the format itself.
    """

    def __init__(
        self, reporter: Reporter, places: Mapping[str, int], only: frozenset[Status], order: str | None
    ) -> None:
        self._reporter = reporter
        self._places = places
        self._only = only
        self._order = order
        self._whole = getattr(reporter, "whole", False)
        self._results: list[HostResult] = []
        self._keys: list[Any] = []
        self._keeps = self._whole or order is not None
        self.silent: bool = self._keeps or getattr(reporter, "silent", False)
        """Whether this reporter writes nothing before the end."""

    def start(self, run: Run) -> None:
        """Pass the run on."""
        self._reporter.start(run)

    def result(self, result: HostResult) -> None:
        """Pass a result on, or keep it for `finish`."""
        if self._only and result.status not in self._only:
            return
        if not self._keeps:
            self._reporter.result(result)
            return
        self._results.append(result)
        key = self._places.get(result.host, 0) if self._order is None else ORDERS[self._order](result)
        self._keys.append(key)

    def finish(self, summary: Summary) -> None:
        """Pass on the kept results in order, and the summary."""
        if self._whole:
            summary = replace(summary, results=self._kept())
        elif self._keeps:
            for result in self._kept():
                self._reporter.result(result)
        self._reporter.finish(summary)
        self._results.clear()

    def _kept(self) -> Iterator[HostResult]:
        for number in sorted(range(len(self._keys)), key=self._keys.__getitem__):
            yield self._results[number]
