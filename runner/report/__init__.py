"""How results are shown: the `Reporter` protocol, and where its kinds come from; one module a format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from runner import plugins
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TextIO

    from runner.models import Host, HostResult, Run
    from runner.results.results import Summary
    from runner.text.expressions import Expression

__all__ = ["FLAGS", "ReportOptions", "Reporter", "create", "names"]

GROUP = "runner.reporters"
FLAGS = ("diff", "ignore", "prefix", "raw", "sort")
"""The settings that only some formats take."""


def _no_groups() -> Mapping[str, Collection[str]]:
    return {}


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report is about, and how much of it is shown.

    Attributes:
        colour: Whether the stream is a terminal that takes colours.
        verbose: Whether to show more about each host: address, times, attempts.
        width: Columns of the terminal; None where the stream is none, and nothing is to be cut.
        hosts: The hosts of the run, in the order of the inventory.
        groups: Tells the hosts of each group of the whole inventory, by name.
        diff: Whether equal parts of different answers are left out.
        ignore: What of outputs does not count where they are compared.
        prefix: Whether each line begins with its host.
        raw: Whether what commands printed is shown as it is, control characters and all.
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


class Reporter(Protocol):
    """What the entry-point group `runner.reporters` holds, by the name of the format.

    A class may say more about itself, in attributes that it need not have:

    - `takes`, names of the settings among `FLAGS` that it heeds; `sort` needs nothing done for it;
    - `whole = True`: it is to have all results at the end, as `summary.results`, in the order of the
      inventory or of `--sort`; `result` is not called then. They are kept for it in bounded memory;
    - `silent = True`: it writes nothing before the end.
    """

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        """Report to a stream."""

    def start(self, run: Run) -> None:
        """Say that a run begins."""

    def result(self, result: HostResult) -> None:
        """Say that a host has its result."""

    def finish(self, summary: Summary) -> None:
        """Say that all have theirs."""


def names() -> list[str]:
    """Return the names of all formats that are installed."""
    return plugins.names(GROUP)


def create(name: str, stream: TextIO, options: ReportOptions, flags: Iterable[str] = ()) -> Reporter:
    """Return a reporter of this format.

    Args:
        name: The format.
        stream: Where it writes.
        options: What it is about.
        flags: Those of `FLAGS` that were asked for.

    Raises:
        UsageError: There is none, or it does not take one of the flags.
    """
    if name not in names():
        raise UsageError(f"--format: {name!r} is not known; known: {', '.join(names())}")
    try:
        kind = plugins.load(GROUP, name)
    except plugins.BrokenPlugin as exc:
        raise UsageError(f"--format {name} cannot be used: {exc}") from exc
    for flag in flags:
        if flag not in _taken(kind):
            raise UsageError(f"--{flag} does not fit --format {name}; it fits {', '.join(_takers(flag))}")
    try:
        return cast("Reporter", kind(stream, options))
    except Exception as exc:  # and so may its reporter
        raise _unusable(name, exc) from exc


def _unusable(name: str, exc: Exception) -> UsageError:
    return UsageError(f"--format {name} cannot be used: {type(exc).__name__}: {exc}")


def _taken(kind: Any) -> Collection[str]:
    return getattr(kind, "takes", ())


def _takers(flag: str) -> list[str]:
    """Return the formats that take a flag, among those that can be loaded."""
    return [name for name, kind in plugins.loaded(GROUP) if flag in _taken(kind)]
