"""Runs of the history as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.models import Run

__all__ = ["lines"]


def lines(runs: Iterable[tuple[Run, Mapping[str, int]]]) -> Iterator[str]:
    """Return one line for each run: id, local time, how its hosts ended, and what it ran on which pattern."""
    for run, counts in runs:
        when = run.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        ended = ", ".join(f"{count} {status or 'without result'}" for status, count in counts.items())
        what = " ; ".join(run.commands) or run.task
        open_end = "" if run.finished is not None else " [not finished]"
        yield visible_line(f"{run.id}  {when}  {what!r} on {run.pattern or '-'}: {ended}{open_end}")
