"""Any job over the hosts that a command line names: what `run` and every host task have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import runs
from runner.fanout import Control
from runner.tasks.present import Interruption, prepare, present
from runner.tasks.select import select

if TYPE_CHECKING:
    from runner.jobs import Job
    from runner.tasks.fleet import Call

__all__ = ["carry_out"]


def carry_out(name: str, job: Job, call: Call) -> int:
    """Do a job on the hosts that the flags name; report; return the exit code.

    Raises:
        RunnerError: Something that the user can mend kept it from starting.
    """
    settings = prepare(call.settings)
    inventory, hosts = select(settings)
    run = runs.begin(
        name, settings, commands=job.commands, pattern=settings.group, inventory=inventory.sources
    )
    control = Control()
    results = runs.carry_out(run, hosts, job, settings, control)
    return present(run, hosts, results, settings, Interruption(control))
