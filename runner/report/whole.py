"""What formats have in common that are one document, written when the last host has its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions

__all__ = ["WholeReporter"]


class WholeReporter:
    """A reporter whose `finish`, which each format has of its own, writes everything.

    Args:
        stream: Where it writes.
        options: What the report is about.
    """

    whole: ClassVar[bool] = True
    takes: ClassVar[frozenset[str]] = frozenset({"sort"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options

    def start(self, run: Run) -> None:
        """Write nothing yet: what comes first is known at the end."""

    def result(self, result: HostResult) -> None:
        """Write nothing yet."""
