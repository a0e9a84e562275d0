"""How results are shown: the `Reporter` protocol, and where its kinds come from; one module a format."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol, cast

from runner.errors import UsageError

if TYPE_CHECKING:
    from typing import TextIO

    from runner.models import HostResult, Run
    from runner.results import Results

__all__ = ["ReportOptions", "Reporter", "create", "names"]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How much a report shows.

    Attributes:
        colour: Whether the stream is a terminal that takes colours.
        verbose: Whether to show more about each host: address, times, attempts.
    """

    colour: bool = False
    verbose: bool = False


class Reporter(Protocol):
    """What the entry-point group `runner.reporters` holds, by the name of the format."""

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        """Report to a stream."""

    def start(self, run: Run) -> None:
        """Say that a run begins."""

    def result(self, result: HostResult) -> None:
        """Say that a host has its result."""

    def finish(self, results: Results) -> None:
        """Say that all have theirs."""


def names() -> list[str]:
    """Return the names of all formats that are installed."""
    return sorted(entry_points(group="runner.reporters").names)


def create(name: str, stream: TextIO, options: ReportOptions) -> Reporter:
    """Return a reporter of this format.

    Raises:
        UsageError: There is none.
    """
    found = tuple(entry_points(group="runner.reporters", name=name))
    if not found:
        raise UsageError(f"--format: {name!r} is not known; known: {', '.join(names())}")
    try:
        return cast("Reporter", found[0].load()(stream, options))
    except Exception as exc:  # a third party's reporter may raise anything
        raise UsageError(f"--format {name} cannot be used: {type(exc).__name__}: {exc}") from exc
