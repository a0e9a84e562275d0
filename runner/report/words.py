"""Wording of results, shared by all formats for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.formats.json import value_as_text
from runner.report.formats.rows import unparsed
from runner.report.terminal import Part, Style, visible, visible_blocks, visible_line
from runner.text.translation import decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.models import CommandResult, HostResult
    from runner.results.results import Summary

__all__ = ["body", "details", "ending", "headline", "milliseconds", "said", "status_word", "summary_line"]

_TRUNCATED = "[… more was printed than is kept: see --max-output]"
_THREE_DIGITS = 100


def status_word(status: Status, style: Style) -> str:
    """Return a status in its colour."""
    if status is Status.OK:
        return style.good(status)
    if status in (Status.UNREACHABLE, Status.SKIPPED, Status.CANCELLED):
        return style.warn(status)
    return style.bad(status)


def headline(name: str, count: int, result: HostResult, style: Style, verbose: str = "") -> str:
    """Return the line above some hosts' output: their folded name, their number and how they ended."""
    number = f" ({count})" if count > 1 else ""
    return f"{style.bold(visible_line(name))}{number}: {ending(result, style)}{verbose}"


def ending(result: HostResult, style: Style) -> str:
    """Return how a host ended: its status, and the exit codes that are not 0."""
    codes = [str(item.exit_code) for item in result.commands if item.exit_code not in (0, None)]
    code = f" (exit {', '.join(codes)})" if codes else ""
    return status_word(result.status, style) + code


def milliseconds(time: float) -> str:
    """Return a round-trip time with three digits, but none below a microsecond: clocks are not that exact."""
    return f"{round(time, 3):.3g}" if time < _THREE_DIGITS else f"{time:.0f}"


def details(result: HostResult) -> str:
    """Return a host's address, round-trip time, duration, attempts and login method, in brackets."""
    rtt = f", rtt {milliseconds(result.rtt_ms)} ms" if result.rtt_ms is not None else ""
    attempts = f", {result.attempts} attempts" if result.attempts > 1 else ""
    where = f"{result.address}:{result.port}" if result.address else "address unknown"
    login = f", by {result.login}" if result.login else ""
    return visible_line(f"  [{where}{rtt}, {result.duration_s:.2f} s{attempts}{login}]")


def body(result: HostResult, *, raw: bool = False) -> Iterator[str]:
    """Yield a host's output in blocks of lines, safe for a terminal; then its error, if it has one.

    Args:
        result: The host's result.
        raw: Leave the commands' output unchanged, including control characters.
    """
    for mark, lines in _said(result, raw=raw):
        if isinstance(lines[0], Part):
            yield Part(mark + lines[0])
        else:
            yield "\n".join([(mark + line).rstrip() for line in lines])
    if result.error is not None:
        yield f"  {visible_line(result.error)}"


def said(result: HostResult, *, raw: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the lines of a host's output, each with its mark: `! ` for standard error.

    If a line comes in parts, only the first part has a mark.
    """
    for mark, lines in _said(result, raw=raw):
        for line in lines:
            yield mark, line


def _said(result: HostResult, *, raw: bool) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the lines of a host's output in blocks, each block with the mark of its lines."""
    # If the host task returned a value, show that value instead of the commands' output.
    for command in result.commands if result.value is None else ():
        if len(result.commands) > 1:
            yield "  ", (f"$ {visible_line(command.command)}",)
        yield from _outputs(command, raw=raw)
    if result.value is not None:
        yield "  ", visible(value_as_text(result.value)).strip("\n").split("\n")


def _outputs(command: CommandResult, *, raw: bool) -> Iterator[tuple[str, Sequence[str]]]:
    for mark, data in (("  ", command.stdout_bytes), ("! ", command.stderr_bytes)):
        goes_on = False
        for lines in _raw_lines(data) if raw else visible_blocks(data):
            if goes_on and not isinstance(lines[0], Part):  # the rest of the line, then whole lines
                yield "", lines[:1]
                lines = lines[1:]  # noqa: PLW2901
            if lines:
                yield "" if goes_on and isinstance(lines[0], Part) else mark, lines
            goes_on = bool(lines) and isinstance(lines[0], Part)
    for note in _notes(command):
        yield "  ", (note,)


def _notes(command: CommandResult) -> Iterator[str]:
    """Yield what else is to be known about a command's output, a line each."""
    if command.truncated:
        yield _TRUNCATED
    for path in (command.stdout_file, command.stderr_file):
        if path is not None:
            yield visible_line(f"[all of it: {path}]")
    why = unparsed(command)
    if why is not None:
        yield f"[{why}]"


def _raw_lines(data: bytes) -> Iterable[Sequence[str]]:
    text = decoded(data).strip("\n")
    return (text.split("\n"),) if text else ()


def summary_line(summary: Summary, style: Style) -> str:
    """Return the last line: the number of hosts per status, and how long the run took."""
    parts = [f"{count} {status_word(status, style)}" for status, count in summary.counts.items() if count]
    hosts = f"{summary.hosts} host{'' if summary.hosts == 1 else 's'}"
    run = summary.run
    took = "" if run.duration_s is None else f" in {run.duration_s:.1f} s"
    return f"{hosts}: {', '.join(parts)}{took}"
