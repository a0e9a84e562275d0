"""Any job over the hosts that a command line names: what `run` and every host task have in common."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from runner import runs
from runner.fanout import Control
from runner.models import Host, HostResult
from runner.results import Summary
from runner.tasks.asking import asked
from runner.tasks.doubts import unbound
from runner.tasks.earlier import Intended, plan, record
from runner.tasks.interruption import Interruption
from runner.tasks.present import prepare, present
from runner.tasks.recording import Recording
from runner.tasks.select import select
from runner.tasks.voice import say
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from runner.jobs import Job
    from runner.tasks.fleet import Call

__all__ = ["carry_out"]

_OF_HOSTS = (0, 2, 4, 6)
"""Exit codes that say how hosts ended; each bit stands for some of them."""

logger = logging.getLogger(__name__)


def carry_out(name: str, job: Job, call: Call) -> int:
    """Do a job on the hosts that the flags name; report; return the exit code.

    Raises:
        RunnerError: Something that the user can mend kept it from starting.
    """
    settings = prepare(call.settings)
    inventory, hosts = select(settings)
    for line in unbound(settings, hosts):
        logger.warning("%s", line)
    job = _fitted(job, hosts)
    arguments = _told(job)
    left = plan(settings, hosts, Intended(name, job.commands, arguments))
    if not left.hosts and not left.decided:
        say("nothing to do: every one of these hosts ended ok")
        return 0
    settings = asked(settings, left.hosts)
    run = runs.begin(
        name, settings, commands=job.commands, pattern=settings.group, inventory=inventory.sources
    )
    if left.resumed is not None:  # it stays the run that it is, so that going on once more has nothing to do
        run = replace(run, id=left.resumed)
    names = {host.name for host in left.hosts}
    meant = tuple(host for host in hosts if host.name in names) + tuple(
        Host(result.host) for result in left.decided
    )
    if left.nothing_missing:
        say(f"nothing is missing in run {left.resumed}; what it came to: history.show {left.resumed}")
    recording = Recording(lambda: None if left.nothing_missing else record(run, meant, settings, arguments))
    control = Control()
    fresh = runs.carry_out(
        run, left.hosts, job, settings, control=control, starting=recording.start, inventory=inventory
    )
    code = present(
        run,
        meant,
        _after(left.decided, fresh),
        settings,
        Interruption(control),
        recording=recording,
        inventory=inventory,
    )
    return _with(Summary(run, Counter(left.ended)).exit_code, code)


def _with(earlier: int, code: int) -> int:
    """Return the exit code of a run that was gone on with, which is one run: every host of it counts."""
    return code | earlier if code in _OF_HOSTS else code


def _fitted(job: Job, hosts: Sequence[Host]) -> Job:
    """Return a job as it is to be done on these very hosts, where it is one that asks."""
    fitted: Callable[[Sequence[str]], Job] | None = getattr(job, "fitted", None)
    return job if fitted is None else fitted([host.name for host in hosts])


def _told(job: Job) -> dict[str, str]:
    """Return what a job was called with, as text; another run of it with other arguments is another run."""
    arguments: Mapping[str, object] = getattr(job, "arguments", {})
    return {name: value_text(value) for name, value in arguments.items()}


def _after(
    decided: Sequence[HostResult], fresh: Generator[HostResult, None, None]
) -> Generator[HostResult, None, None]:
    with closing(fresh):
        yield from decided
        yield from fresh
