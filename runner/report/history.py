"""Runs of the history as lines for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.formats.json import encode
from runner.report.terminal import visible_line
from runner.results.results import Results, host_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.history import Record, Summary

__all__ = ["exported", "lines"]


def lines(runs: Iterable[Summary]) -> Iterator[str]:
    """Yield one line for each run: id, local time, commands or task, host pattern, hosts per status."""
    for item in runs:
        run = item.run
        when = run.started.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        parts = [f"{count} {status}" for status, count in item.counts.items()]
        parts += [f"{item.without_result} without result"] * bool(item.without_result)
        what = " ; ".join(run.commands) or run.task
        open_end = "" if run.finished is not None else " [not finished]"
        yield visible_line(
            f"{run.id}  {when}  {what!r} on {run.pattern or '-'}: {', '.join(parts)}{open_end}"
        )


def exported(record: Record) -> Iterator[str]:
    """Yield a run as lines of JSON: `{"run": …}`, then a line for each host of the run.

    A host's line is that of `--format jsonl`, plus the run's id, whether the host had been handed to a
    worker, and when work on it began and ended, in seconds after the start of the run. The status is null if
    the host has no result.
    """
    head = Results((), record.run).to_dict()["run"]
    yield encode({"run": {**head, "arguments": dict(record.arguments), "hosts": len(record.hosts)}})
    for name in record.hosts:
        result, span = record.results.get(name), record.spans.get(name)
        document = {"status": None} if result is None else host_document(result)
        times = {
            "started": name in record.started,
            "start_s": None if span is None else round(span.start_s, 3),
            "end_s": None if span is None or span.end_s is None else round(span.end_s, 3),
        }
        yield encode({"run": record.run.id, "host": name, **times, **document})
