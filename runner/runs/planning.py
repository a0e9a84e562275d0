"""Turn a request into a plan: inventory, hosts, checks, secrets, and the hosts left by an earlier run."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.models import Host, HostResult, Run
from runner.runs import checks, resume
from runner.runs.questions import login_secrets, nobody, passwords
from runner.text import value_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.inventory import Inventory
    from runner.jobs import Job
    from runner.models import Status
    from runner.runs.questions import Ask
    from runner.settings import Settings

__all__ = ["Pings", "Plan", "Request", "begin", "plan"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pings:
    """How often hosts are pinged.

    Attributes:
        count: Number of pings per host; None means one, with the number of tries from the settings.
        interval_s: Seconds from one ping to the next.
    """

    count: int | None = None
    interval_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a task or a function.

    Attributes:
        task: Its name.
        settings: The settings of the call.
        job: The work on each host; without it, hosts are only pinged.
        hosts: A script's hosts; None for the inventory hosts that the settings select. A script has no
            operator to ask and no earlier run to resume.
        pings: How often hosts are pinged by a request without a job.
        commands: The commands for the history, if the job has none.
        recorded: Whether to keep the run in the history, unless a setting says otherwise.
    """

    task: str
    settings: Settings
    job: Job | None = None
    hosts: tuple[Host, ...] | None = None
    pings: Pings = Pings()
    commands: tuple[str, ...] = ()
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is ready to start.

    Attributes:
        run: Its description.
        settings: The settings, with the operator's answers.
        job: The work on each host; without it, hosts are only pinged.
        todo: The hosts to contact.
        hosts: All hosts of the run: `todo` and those in `decided`.
        decided: Results of hosts that are not contacted.
        inventory: The inventory that the hosts were selected from.
        pings: How often hosts are pinged by a request without a job.
        arguments: The arguments of a host task, as text.
        resumed: Whether this resumes an earlier run.
        ended: Statuses of the hosts that already have a result from before the run was resumed.
        recorded: Whether the run is kept in the history.
    """

    run: Run
    settings: Settings
    job: Job | None
    todo: tuple[Host, ...]
    hosts: tuple[Host, ...]
    decided: tuple[HostResult, ...] = ()
    inventory: Inventory | None = None
    pings: Pings = Pings()
    arguments: Mapping[str, str] | None = None
    resumed: bool = False
    ended: tuple[Status, ...] = ()
    recorded: bool = True

    @property
    def nothing_missing(self) -> bool:
        """Whether this resumes a run that already has a result for every host."""
        return self.resumed and not self.todo and len(self.ended) == len(self.decided)


def begin(
    task: str,
    settings: Settings,
    *,
    commands: tuple[str, ...] = (),
    pattern: str | None = None,
    inventory: tuple[str, ...] = (),
) -> Run:
    """Return the description of a run that starts now."""
    now = datetime.now(UTC)
    return Run(
        id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        task=task,
        started=now,
        commands=commands,
        pattern=pattern,
        inventory=inventory,
        executor=settings.executor,
        workers=settings.most_workers,
    )


def plan(request: Request, ask: Ask = nobody) -> Plan:
    """Prepare a run: do everything that can be done before a host is contacted.

    Args:
        request: The call.
        ask: Asks the operator for a secret.

    Raises:
        RunnerError: The run cannot start, for a reason that the user can fix.
    """
    settings = request.settings
    checks.check(settings, commands=request.job is not None)
    if request.hosts is None:
        settings = passwords(settings, ask)
    inventory, hosts = _hosts(request, settings, ask)
    if request.job is not None:
        for line in checks.unbound(settings, hosts):
            logger.warning("%s", line)
    job = _fitted(request.job, hosts)
    commands = job.commands if job is not None and job.commands else request.commands
    about_modes = checks.entered_alone(settings, hosts, commands)
    for line in (*about_modes, *checks.without_cli(settings, hosts, job)):
        logger.warning("%s", line)
    arguments = _told(job)
    intended = resume.Intended(request.task, commands, arguments, harmless=request.job is None)
    left = resume.Left(hosts) if request.hosts is not None else resume.left_of(settings, hosts, intended)
    if request.job is not None and request.hosts is None:
        settings = login_secrets(settings, ask, left.hosts)
    run = begin(
        request.task,
        settings,
        commands=commands,
        pattern=settings.group if inventory is not None else None,
        inventory=inventory.sources if inventory is not None else (),
    )
    if left.resumed is not None:  # keep the id, so that another --resume continues from here
        run = replace(run, id=left.resumed)
    names = {host.name for host in left.hosts}
    meant = (
        *(host for host in hosts if host.name in names),
        *(Host(result.host) for result in left.decided),
    )
    made = Plan(
        run,
        settings,
        job,
        left.hosts,
        meant,
        left.decided,
        inventory,
        request.pings,
        arguments,
        resumed=left.resumed is not None,
        ended=left.ended,
    )
    kept = request.recorded and not (settings.no_history or settings.dry_run or made.nothing_missing)
    return replace(made, recorded=kept)


def _hosts(request: Request, settings: Settings, ask: Ask) -> tuple[Inventory | None, tuple[Host, ...]]:
    if request.hosts is not None:
        return None, checks.hosts(request.hosts)
    from runner.runs.select import select  # noqa: PLC0415 - YAML is slow to import

    return select(settings, ask)


def _fitted(job: Job | None, hosts: Sequence[Host]) -> Job | None:
    """Return a job adapted to these hosts, if the job supports that."""
    fitted: Callable[[Sequence[str]], Job] | None = getattr(job, "fitted", None)
    return job if fitted is None else fitted([host.name for host in hosts])


def _told(job: Job | None) -> dict[str, str]:
    """Return the arguments of a job as text, to tell runs of the same task apart."""
    arguments: Mapping[str, object] = getattr(job, "arguments", {})
    return {name: value_text(value) for name, value in arguments.items()}
