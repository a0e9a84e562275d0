"""Run `ping`: once, several times, or in rounds until Ctrl-C."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from runner.reach.rounds import Changes
from runner.report import ping_watch as watches
from runner.report.formats.bare import BareReporter
from runner.report.messages import say
from runner.report.output import written
from runner.results.results import Results
from runner.runs.execution import ping_rounds
from runner.runs.interruption import Interruption
from runner.runs.pinging import Unheard
from runner.tasks.present import arranged, present

if TYPE_CHECKING:
    from runner.runs import Plan

__all__ = ["once", "watch"]


def once(plan: Plan, alive: bool | None = None) -> int:
    """Ping hosts, report, and return the exit code.

    Args:
        plan: The plan.
        alive: True to print only the names of hosts that are up, False for those that are not; None for a
            full report.

    Raises:
        UsageError: The format is not known.
    """
    unheard = Unheard(plan.settings)
    bare = None if alive is None else BareReporter(sys.stdout, alive=alive)
    reporter = None if bare is None else arranged(bare, plan.hosts, plan.settings)
    code = present(plan, reporter=reporter, note=unheard.note)
    hint = unheard.hint()
    if hint is not None and not plan.settings.quiet:
        say(hint)
    return code


def watch(plan: Plan) -> int:
    """Ping in rounds until Ctrl-C or the last round; show changes; return the exit code of the last round."""
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
