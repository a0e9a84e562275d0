"""`history`: what was run, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke.collection import Collection

from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["history"]

_SHOWN = 20


def _list(call: Call, last: int = _SHOWN) -> int:
    """List the latest runs, newest first: when, what, on how many hosts, and how they ended."""
    from runner.report.history import lines  # noqa: PLC0415 - tasks are listed without loading what runs them
    from runner.tasks.earlier import reading  # noqa: PLC0415
    from runner.tasks.output import write  # noqa: PLC0415

    with reading(call.settings) as kept:
        runs = kept.runs(last)
    write(line + "\n" for line in lines(runs))
    return 0


def _show(call: Call, run: list[str] | None = None) -> int:
    """Show what came of a run: its id or the beginning of it, or `last`."""
    from runner.tasks.earlier import find  # noqa: PLC0415 - tasks are listed without loading what runs them
    from runner.tasks.present import show  # noqa: PLC0415

    record = find(call.settings, (run or ["last"])[0])
    return show(record, call.settings)


history = Collection("history")
history.add_task(
    FleetTask(_list, name="list", help={"last": "how many runs to list"}),
    default=True,
)
history.add_task(FleetTask(_show, name="show", command="run", help={"run": "the run"}))
