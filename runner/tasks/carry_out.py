"""A task over hosts: from the call of a command line to its exit code, by way of the engine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from runner import runs
from runner.fanout import Control
from runner.report.messages import ask, say
from runner.results.results import Summary
from runner.tasks.present import present
from runner.tasks.settings import say_settings

if TYPE_CHECKING:
    from runner.jobs import Job
    from runner.tasks.fleet import Call

__all__ = ["carry_out"]

_OF_HOSTS = (0, 2, 4, 6)
"""Exit codes that say how hosts ended; each bit is for some of them."""


def carry_out(name: str, job: Job, call: Call) -> int:
    """Do a job on the hosts that the flags name; report; return the exit code.

    Raises:
        RunnerError: Something that the user can mend kept it from starting.
    """
    say_settings(call.settings)
    plan = runs.plan(runs.Request(name, call.settings, job), ask)
    if not plan.hosts:
        say("nothing to do: every one of these hosts ended ok")
        return 0
    if plan.nothing_missing:
        say(f"nothing is missing in run {plan.run.id}; what it came to: history.show {plan.run.id}")
    code = present(plan, Control())
    # A run that was gone on with is one run: every host of it counts.
    earlier = Summary(plan.run, Counter(plan.ended)).exit_code
    return code | earlier if code in _OF_HOSTS else code
