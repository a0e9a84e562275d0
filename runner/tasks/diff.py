"""`diff`: show what changed from one run to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["diff"]

_DIFFERENT = 2


def _diff(call: Call, run: list[str] | None = None, other: str | None = None) -> int:
    """Show what changed from one run to another: hosts with another status, and differences in the output.

    If only one run is given, it is compared with the previous run of the same task and commands; if none is
    given, the last run is. The exit code is 0 if nothing changed, and 2 if something did.
    """
    from runner.report.changes import compare, shown  # noqa: PLC0415 - loaded only when a task runs
    from runner.report.output import colour_wanted, write  # noqa: PLC0415
    from runner.report.terminal import Style  # noqa: PLC0415
    from runner.runs.resume import pair, reading  # noqa: PLC0415

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
        "run": "a run: its id, the beginning of its id, or `last` (default)",
        "other": "another run (default: the previous one of the same task and commands)",
    },
)
