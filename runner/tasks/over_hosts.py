"""Run a task over hosts: from the call on the command line, through the engine, to the exit code."""

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

__all__ = ["over_hosts"]

_OF_HOSTS = (0, 2, 4, 6)
"""Exit codes for the outcome of hosts: bits that can be combined. Any other code is not combined."""


def over_hosts(name: str, job: Job, call: Call) -> int:
    """Run a job on the hosts that the flags name, report the results and return the exit code.

    Raises:
        RunnerError: The run cannot start; the message says what the user can do.
    """
    say_settings(call.settings)
    plan = runs.plan(runs.Request(name, call.settings, job), ask)
    if not plan.hosts:
        say("nothing to do: every one of these hosts ended ok")
        return 0
    if plan.nothing_missing:
        say(f"run {plan.run.id} is already complete; see: runner history.show {plan.run.id}")
    code = present(plan, Control())
    # A resumed run is one run: the exit code covers all of its hosts.
    earlier = Summary(plan.run, Counter(plan.ended)).exit_code
    return code | earlier if code in _OF_HOSTS else code
