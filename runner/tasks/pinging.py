"""What `ping` does with the hosts that were chosen: once, so many times, or until it is stopped."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.reach.icmp import icmp_permitted
from runner.reach.reasons import Reason
from runner.reach.rounds import Changes
from runner.report import watch as watches
from runner.report.bare import BareReporter
from runner.report.messages import say
from runner.report.output import written
from runner.results import Results
from runner.runs.execution import ping_rounds
from runner.runs.interruption import Interruption
from runner.tasks.present import arranged, present

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models import Host, HostResult
    from runner.report import Reporter
    from runner.runs import Plan
    from runner.settings import Settings

__all__ = ["check", "once", "watch"]

_SOME_NOT_OK = (2, 4, 6)
_BARE_IGNORES = ("format", "diff", "ignore", "prefix", "raw")
_WATCHED_AS = ("folded", "jsonl")
_WATCH_IGNORES = ("diff", "ignore", "prefix", "raw", "only", "sort", "output_dir")


def check(settings: Settings, chosen: str | None = None) -> None:
    """Refuse what would not be heeded.

    Args:
        settings: What was asked for.
        chosen: `--alive`, `--down` or `--watch`.

    Raises:
        UsageError: Something would not be.
    """
    if settings.resume:
        raise UsageError("--resume goes on with runs of commands; ping again instead")
    if chosen == "--watch" and "format" in settings.given and settings.format not in _WATCHED_AS:
        raise UsageError(
            f"--format {settings.format} does not fit --watch; what fits: {', '.join(_WATCHED_AS)}"
        )
    unheeded = {"--watch": _WATCH_IGNORES, "--alive": _BARE_IGNORES, "--down": _BARE_IGNORES}
    for flag in unheeded.get(chosen or "", ()):
        if flag in settings.given:
            raise UsageError(f"--{flag.replace('_', '-')} does not fit {chosen}")


def once(plan: Plan, alive: bool | None = None) -> int:
    """Ping hosts, report, and return the exit code.

    Args:
        plan: The plan.
        alive: Whether only names are wanted, of the hosts that are up (True) or not (False).

    Raises:
        UsageError: The format is not known.
    """
    silent: list[str] = []

    def note(result: HostResult) -> None:
        if result.reason == Reason.NO_REPLY:
            silent.append(result.host)

    reporter = None if alive is None else _bare(plan.hosts, plan.settings, alive=alive)
    code = present(plan, reporter=reporter, note=note)
    if silent and code in _SOME_NOT_OK and not plan.settings.quiet:
        _say_what_icmp_needs(plan.settings)
    return code


def _bare(hosts: Sequence[Host], settings: Settings, *, alive: bool) -> Reporter:
    return arranged(BareReporter(sys.stdout, alive=alive), hosts, settings)


def _say_what_icmp_needs(settings: Settings) -> None:
    """Say that who was silent may have answered an echo, where none could be sent."""
    hint = icmp_permitted() if settings.method == "auto" else None
    if hint is not None:
        say(f"note: hosts were pinged by TCP only: {hint}")


def watch(plan: Plan) -> int:
    """Ping in rounds until Ctrl-C, or so many times; show changes; return the exit code of the last round."""
    changes = Changes()
    interruption = Interruption()
    view = watches.create(sys.stdout, as_lines=plan.settings.format == "jsonl")
    with interruption.handled(), closing(view):
        try:
            for results in ping_rounds(plan):
                when, at_s = datetime.now(UTC), time.monotonic()
                news = changes.take(results, when, at_s)
                if not written(partial(view.update, changes, news, when, at_s)):
                    break
        except KeyboardInterrupt:
            pass
    if interruption.exit_code is not None:
        return interruption.exit_code
    return Results(changes.now.values(), plan.run).exit_code
