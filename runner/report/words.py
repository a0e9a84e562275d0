"""How results are put in words, the same in every format for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Status
from runner.report.terminal import Style, visible, visible_line
from runner.results import value_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import CommandResult, HostResult
    from runner.results import Results

__all__ = ["body", "details", "headline", "status_word", "summary"]


def status_word(status: Status, style: Style) -> str:
    """Return a status in its colour."""
    if status is Status.OK:
        return style.good(status)
    if status in (Status.UNREACHABLE, Status.SKIPPED, Status.CANCELLED):
        return style.warn(status)
    return style.bad(status)


def headline(name: str, count: int, result: HostResult, style: Style, verbose: str = "") -> str:
    """Return the line above what some hosts said: their folded name, how many, and how they ended."""
    number = f" ({count})" if count > 1 else ""
    codes = [str(item.exit_code) for item in result.commands if item.exit_code not in (0, None)]
    code = f" (exit {', '.join(codes)})" if codes else ""
    return f"{style.bold(visible_line(name))}{number}: {status_word(result.status, style)}{code}{verbose}"


def details(result: HostResult) -> str:
    """Return where a host is, how it was reached and how long it took."""
    rtt = f", rtt {result.rtt_ms:.3g} ms" if result.rtt_ms is not None else ""
    attempts = f", {result.attempts} attempts" if result.attempts > 1 else ""
    where = f"{result.address}:{result.port}" if result.address else "address unknown"
    return visible_line(f"  [{where}{rtt}, {result.duration_s:.2f} s{attempts}]")


def body(result: HostResult) -> list[str]:
    """Return the lines of what a host said, safe for a terminal; then why it did not end ok."""
    lines: list[str] = []
    # What a task returned stands for what it was told on the way.
    for command in result.commands if result.value is None else ():
        if len(result.commands) > 1:
            lines.append(f"  $ {visible_line(command.command)}")
        lines += _indented(command)
    if result.value is not None:
        lines.append(f"  {visible_line(value_text(result.value))}")
    if result.error is not None:
        lines.append(f"  {visible_line(result.error)}")
    return lines


def _indented(command: CommandResult) -> Iterable[str]:
    for mark, text in (("  ", command.stdout), ("! ", command.stderr)):
        shown = visible(text).strip("\n")
        if shown:
            yield from ((mark + line).rstrip() for line in shown.split("\n"))
    if command.truncated:
        yield "  [… more was printed than is kept: see --max-output]"


def summary(results: Results, style: Style) -> str:
    """Return the last line: how many hosts ended how, and how long it all took."""
    parts = [f"{count} {status_word(status, style)}" for status, count in results.counts.items() if count]
    hosts = f"{len(results)} host{'' if len(results) == 1 else 's'}"
    run = results.run
    took = "" if run.finished is None else f" in {(run.finished - run.started).total_seconds():.1f} s"
    return f"{hosts}: {', '.join(parts)}{took}"
