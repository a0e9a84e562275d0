"""`watch`: run commands again and again, and show changes in their output."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from runner.settings.heeded import TASKS
from runner.tasks.arguments import value_of
from runner.tasks.fleet import FleetTask
from runner.tasks.run import commands_of

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["watch"]


def _watch(
    call: Call,
    cmd: list[str] | None = None,
    *,
    interval: str | None = None,
    count: str | None = None,
    until_change: bool = False,
    until: str | None = None,
) -> int:
    """Run commands on every host again and again; show all output first, then only changes.

    Connections stay open from round to round. It ends with Ctrl-C, after --count rounds, or when the
    condition of --until or --until-change is met: the exit code is 0 then.
    """
    from runner.runs import watching  # noqa: PLC0415
    from runner.tasks.watching import watch  # noqa: PLC0415
    from runner.text import quantities  # noqa: PLC0415 - loaded only when a task runs
    from runner.text.ignore_patterns import ignore_patterns  # noqa: PLC0415

    patterns = value_of("--until", partial(ignore_patterns, setting="--until"), until)
    asked = watching.Asked(
        interval_s=value_of("--interval", quantities.seconds, interval) or watching.INTERVAL_S,
        count=value_of("--count", quantities.times, count),
        until_change=until_change,
        until=patterns[0] if patterns else None,
    )
    watching.check(call.settings, asked)
    return watch(commands_of(call, tuple(cmd or ())), call.settings, asked)


watch = FleetTask(
    _watch,
    name="watch",
    heeded=TASKS["watch"],
    command="cmd",
    short="c",
    help={
        "cmd": "command to run (repeatable); the flag may be left out for one",
        "interval": "seconds from the beginning of one round to that of the next (default: 10)",
        "count": "number of rounds (default: until Ctrl-C)",
        "until-change": "end after the first round in which anything changed",
        "until": "end when every host is ok and a line of its output matches this regular expression",
    },
)
