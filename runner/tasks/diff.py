"""`diff`: what changed from one run to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.history import History, Record
    from runner.tasks.fleet import Call

__all__ = ["diff", "pair"]

_DIFFERENT = 2


def pair(history: History, name: str, other: str | None) -> tuple[Record, Record]:
    """Return two runs of the history, the earlier one first.

    Args:
        history: The history.
        name: One run.
        other: The other; None is the one before it of the same task and commands.

    Raises:
        UsageError: One is not there, or it is twice the same.
    """
    from runner.runs.earlier import noted  # noqa: PLC0415 - tasks are listed without it

    run = noted(history.find(name))
    if other is None:
        other = history.before(run.run)
        if other is None:
            raise UsageError(
                f"before run {run.run.id}, there was none of the same task and commands; name two that "
                "`history` lists"
            )
    found = noted(history.find(other))
    if found.run.id == run.run.id:
        raise UsageError(f"run {run.run.id} cannot be compared with itself")
    return (found, run) if found.run.started <= run.run.started else (run, found)


def _diff(call: Call, run: list[str] | None = None, other: str | None = None) -> int:
    """Show what changed from one run to another: which hosts ended otherwise, and what they say differently.

    One run is compared with the one before of the same task and commands; without any, the last is. The exit
    code is 0 where nothing changed, and 2 where something did.
    """
    from runner.report.changes import compare, shown  # noqa: PLC0415 - tasks are listed without it
    from runner.report.output import write  # noqa: PLC0415
    from runner.report.terminal import Style  # noqa: PLC0415
    from runner.runs.earlier import reading  # noqa: PLC0415
    from runner.tasks.present import colour_wanted  # noqa: PLC0415

    with reading(call.settings) as history:
        before, after = pair(history, (run or ["last"])[0], other)
    found = compare(before, after, call.settings.ignore)
    write(line + "\n" for line in shown(found, Style(colour=colour_wanted())))
    return _DIFFERENT if found.changed else 0


diff = FleetTask(
    _diff,
    name="diff",
    heeded=TASKS["diff"],
    command="run",
    then="other",
    help={
        "run": "a run: its id, the beginning of it, or `last` (default)",
        "other": "another one (default: the one before of the same task and commands)",
    },
)
