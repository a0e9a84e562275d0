"""`--format folded`: equal answers once, under folded host names; the rarest last, next to the prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.differences import unified
from runner.report.formats.columns import cut
from runner.report.grouping import named
from runner.report.round_trips import RoundTrips, statistics
from runner.report.terminal import Style, visible_line, write_lines
from runner.report.words import body, details, headline, status_word, summary_line
from runner.results.folding import Folding
from runner.text.hostlist import natural
from runner.text.ignore_patterns import mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import ClassVar, TextIO

    from runner.models import HostResult, Run
    from runner.report import ReportOptions
    from runner.results.folding import Answer
    from runner.results.results import Summary

__all__ = ["FoldedReporter"]

_LINES_OF_NAMES = 8
"""Most lines of host names: names without numbers do not fold, and there may be thousands."""


class FoldedReporter:
    """Shows everything at the end, each different answer once."""

    silent: ClassVar[bool] = True
    takes: ClassVar[frozenset[str]] = frozenset({"diff", "ignore", "raw"})

    def __init__(self, stream: TextIO, options: ReportOptions) -> None:
        self._stream = stream
        self._options = options
        self._style = Style(colour=options.colour)
        self._folding = Folding(options.ignore)
        self._up = RoundTrips()
        self._counted: list[HostResult] = []
        self._detailed: list[HostResult] = []
        self._is_ping = False

    def start(self, run: Run) -> None:
        """Show nothing yet: equal answers are known only at the end."""
        self._is_ping = run.task == "ping"

    def result(self, result: HostResult) -> None:
        """Keep a result; for an answered ping, only the host's name and round-trip time."""
        if result.rtts_ms:
            self._counted.append(result)
        elif self._is_ping and result.ok:
            self._up.add(result)
            if self._options.verbose:
                self._detailed.append(result)
        else:
            self._folding.add(result)

    def finish(self, summary: Summary) -> None:
        """Show each answer once, then the summary."""
        for result in sorted(self._counted, key=lambda result: natural(result.host)):
            self._write([statistics(result, self._style)])
        self._write_answers()
        self._write([summary_line(summary, self._style)])

    def _write_answers(self) -> None:
        answers = self._folding.answers(self._places())
        up = self._up.hosts
        names = named([up, *(answer.hosts for answer in answers)], self._options.groups())
        names = [self._fitting(name) for name in names]
        if up:
            self._write(self._answering(names[0]))
        base: tuple[str, list[str]] | None = None
        for name, answer in zip(names[1:], answers, strict=True):
            if base is not None:
                self._write(self._difference(base, name, answer))
                continue
            if not self._options.diff:
                self._write(self._block(name, answer))
                continue
            lines = self._lines(name, answer)
            self._write(lines)
            if self._shown(answer).commands:
                base = (name, lines[1:])

    def _fitting(self, name: str) -> str:
        """Return folded names, cut to a few lines on a terminal."""
        if self._options.width is None or self._options.verbose:
            return name
        return cut(name, self._options.width * _LINES_OF_NAMES)

    def _places(self) -> dict[str, int] | None:
        """Return the position of each host in the inventory; None if the hosts are not known."""
        if not self._options.hosts:
            return None
        return {host.name: place for place, host in enumerate(self._options.hosts)}

    def _write(self, lines: Iterable[str]) -> None:
        write_lines(self._stream, lines)

    def _block(self, name: str, answer: Answer) -> Iterator[str]:
        result = self._shown(answer)
        more = details(result) if self._options.verbose and len(answer.hosts) == 1 else ""
        yield headline(name, len(answer.hosts), result, self._style, more)
        yield from body(result, raw=self._options.raw)

    def _lines(self, name: str, answer: Answer) -> list[str]:
        return [line for block in self._block(name, answer) for line in block.split("\n")]

    def _difference(self, base: tuple[str, Sequence[str]], name: str, answer: Answer) -> list[str]:
        """Return a block with the differences from the first answer; the whole block if it has no output."""
        head, *lines = self._lines(name, answer)
        if not self._shown(answer).commands:
            return [head, *lines]
        names = (visible_line(base[0]), visible_line(name))
        diff = unified(base[1], lines, names, self._style)
        if diff is None:
            return [head, *lines, "  [too much differs to be compared: shown whole]"]
        return [head, *diff]

    def _shown(self, answer: Answer) -> HostResult:
        """Return an answer as it is shown: parts that `--ignore` left out of the comparison are masked.

        They may differ between the hosts of one answer. The answer of a single host is shown in full, except
        with `--diff`.
        """
        result, patterns = answer.result(), self._options.ignore
        if not patterns or (len(answer.hosts) == 1 and not self._options.diff):
            return result
        commands = tuple(
            replace(
                item,
                stdout_bytes=mask(item.stdout, patterns, result.host).encode("utf-8", "surrogatepass"),
                stderr_bytes=mask(item.stderr, patterns, result.host).encode("utf-8", "surrogatepass"),
            )
            for item in result.commands
        )
        return result._replace(commands=commands)

    def _answering(self, name: str) -> Iterable[str]:
        """Yield the hosts that are up, with the range of their round-trip times."""
        number = f" ({len(self._up.hosts)})" if len(self._up.hosts) > 1 else ""
        word = status_word(Status.OK, self._style)
        yield f"{self._style.bold(visible_line(name))}{number}: {word}{self._up.span()}"
        for result in self._detailed:
            yield f"  {visible_line(result.host)}{details(result)}"
