"""Base class of formats that write one document after the last result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions

__all__ = ["WholeReporter"]


class WholeReporter:
    """A reporter that writes everything in `finish`, which each format defines.

    Args:
        stream: The stream it writes to.
        options: The content of the report.
    """

    whole: ClassVar[bool] = True
    takes: ClassVar[frozenset[str]] = frozenset({"sort"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options

    def start(self, run: Run) -> None:
        """Write nothing yet: the head of the document is known only at the end."""

    def result(self, result: HostResult) -> None:
        """Write nothing yet."""
