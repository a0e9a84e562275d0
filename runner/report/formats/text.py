"""`--format text`: a block for each host as it ends, or with `--prefix` lines that begin with the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import Part, Style, visible_line, write_lines
from runner.report.words import body, details, ending, headline, said, summary_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results.results import Summary

__all__ = ["TextReporter"]


class TextReporter:
    """Shows each host as soon as it has its result."""

    takes: ClassVar[frozenset[str]] = frozenset({"prefix", "raw", "sort"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options
        self._style = Style(colour=options.colour)

    def start(self, run: Run) -> None:
        """Show nothing yet."""

    def result(self, result: HostResult) -> None:
        """Show one host's block."""
        write_lines(self._stream, self._prefixed(result) if self._options.prefix else self._block(result))
        self._stream.flush()

    def finish(self, summary: Summary) -> None:
        """Show the summary, but not with `--prefix`: programs read those lines."""
        if not self._options.prefix:
            print(summary_line(summary, self._style), file=self._stream)

    def _block(self, result: HostResult) -> Iterator[str]:
        more = details(result) if self._options.verbose or not result.commands else ""
        yield headline(result.host, 1, result, self._style, more)
        yield from body(result, raw=self._options.raw)

    def _prefixed(self, result: HostResult) -> Iterator[str]:
        """Yield the lines of a host's output; if the host is not ok, then also its status and error."""
        name = self._style.bold(visible_line(result.host))
        for mark, line in said(result, raw=self._options.raw):
            begin = f"{name}: {mark.strip()}{' ' * bool(mark.strip())}" if mark else ""
            yield Part(begin + line) if isinstance(line, Part) else begin + line
        if not result.ok:
            why = "" if result.error is None else f": {visible_line(result.error)}"
            yield f"{name}: {ending(result, self._style)}{why}"
