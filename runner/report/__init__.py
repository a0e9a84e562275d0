"""Show results: the `Reporter` protocol and the plugins that implement it; one module per format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from runner import plugins
from runner.errors import UsageError
from runner.results.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TextIO

    from runner.models import Host, HostResult, Run
    from runner.results.results import Summary
    from runner.text.expressions import Expression

__all__ = ["FLAGS", "ReportOptions", "Reporter", "create", "names"]

GROUP = "runner.reporters"
FLAGS = ("diff", "group_by", "ignore", "prefix", "raw", "select", "sort", "where")
"""The settings that only some formats support."""


def _no_groups() -> Mapping[str, Collection[str]]:
    return {}


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The content of a report, and how much of it is shown.

    Attributes:
        colour: Whether the stream is a terminal that supports colours.
        verbose: Whether to show more about each host: address, times, attempts.
        width: Columns of the terminal; None if the stream is not a terminal, so that nothing is cut.
        hosts: The hosts of the run, in the order of the inventory.
        groups: Returns the hosts of each group of the whole inventory, by group name.
        diff: Whether equal parts of different answers are left out.
        ignore: Expressions for the parts of outputs that are ignored in comparisons.
        prefix: Whether each line begins with its host's name.
        raw: Whether output is shown unchanged, including control characters.
        rows: Whether outputs were parsed, so that a format with a choice shows rows.
        query: Which rows are shown.
    """

    colour: bool = False
    verbose: bool = False
    width: int | None = None
    hosts: Sequence[Host] = ()
    groups: Callable[[], Mapping[str, Collection[str]]] = _no_groups
    diff: bool = False
    ignore: tuple[Expression, ...] = ()
    prefix: bool = False
    raw: bool = False
    rows: bool = False
    query: Query = field(default_factory=Query)


class Reporter(Protocol):
    """A format. Reporter classes are registered in the entry-point group `runner.reporters`, by format name.

    A class may define these optional attributes:

    - `takes`: names from `FLAGS` of the settings that it supports; `sort` needs no work in the class;
    - `whole = True`: pass all results to `finish`, as `summary.results`, in the order of the inventory or of
      `--sort`, and do not call `result`. The results are kept in bounded memory;
    - `silent = True`: the reporter writes nothing before the end.
    """

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        """Create a reporter that writes to a stream."""

    def start(self, run: Run) -> None:
        """Report that a run begins."""

    def result(self, result: HostResult) -> None:
        """Report the result of one host."""

    def finish(self, summary: Summary) -> None:
        """Report the end of the run: every host has its result."""


def names() -> list[str]:
    """Return the names of all installed formats."""
    return plugins.names(GROUP)


def create(name: str, stream: TextIO, options: ReportOptions, flags: Iterable[str] = ()) -> Reporter:
    """Return a reporter of this format.

    Args:
        name: The name of the format.
        stream: The stream it writes to.
        options: The content of the report.
        flags: The names from `FLAGS` that the operator set.

    Raises:
        UsageError: The format is unknown or cannot be used, or it does not support one of the flags.
    """
    if name not in names():
        raise UsageError(f"--format: {name!r} is not known; known: {', '.join(names())}")
    try:
        kind = plugins.load(GROUP, name)
    except plugins.BrokenPlugin as exc:
        raise UsageError(f"--format {name} cannot be used: {exc}") from exc
    for flag in flags:
        if flag not in _taken(kind):
            dashed, takers = flag.replace("_", "-"), ", ".join(_takers(flag))
            raise UsageError(f"--{dashed} does not fit --format {name}; it fits {takers}")
    try:
        return cast("Reporter", kind(stream, options))
    except Exception as exc:  # a third party's class may raise anything
        raise _unusable(name, exc) from exc


def _unusable(name: str, exc: Exception) -> UsageError:
    return UsageError(f"--format {name} cannot be used: {type(exc).__name__}: {exc}")


def _taken(kind: Any) -> Collection[str]:
    return getattr(kind, "takes", ())


def _takers(flag: str) -> list[str]:
    """Return the formats that support a flag, among those that can be loaded."""
    return [name for name, kind in plugins.loaded(GROUP) if flag in _taken(kind)]
