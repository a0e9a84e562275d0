"""From settings to a stream of results: the one place where the rooms are put together."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.errors import HostError
from runner.models import HostResult, Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from runner.fanout import Control
    from runner.inventory import Inventory
    from runner.jobs import Job
    from runner.models import Host
    from runner.reach import ReachOptions
    from runner.settings import Settings

__all__ = ["begin", "carry_out", "ping", "ping_options"]


def begin(
    task: str,
    settings: Settings,
    *,
    commands: tuple[str, ...] = (),
    pattern: str | None = None,
    inventory: tuple[str, ...] = (),
) -> Run:
    """Return the description of a run that begins now."""
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


def carry_out(  # noqa: PLR0913 - a run, and all that it is made of
    run: Run,
    hosts: Iterable[Host],
    job: Job,
    settings: Settings,
    *,
    control: Control | None = None,
    starting: Callable[[Sequence[str]], None] = lambda _names: None,
    inventory: Inventory | None = None,
) -> Generator[HostResult, None, None]:
    """Ping hosts, do a job on those that answer, and yield each host's result as it is known.

    Args:
        run: The run.
        hosts: The hosts.
        job: What to do on each.
        settings: How.
        control: By which the run can be stopped.
        starting: Called with the names of hosts that are about to be handed to workers.
        inventory: The inventory of the hosts, for warnings that name the place of a variable.

    Raises:
        UsageError: The executor cannot be used.
    """
    if settings.dry_run:
        yield from _dry(hosts, _described(job), settings)
        return
    from runner import fanout, host_key_warnings  # noqa: PLC0415 - they bring Paramiko in

    hosts = tuple(hosts)
    host_key_warnings.warn(hosts, settings, inventory)
    results = fanout.stream(
        hosts,
        job,
        run=run.id,
        connection=settings.connection(),
        options=settings.fanout(),
        reach=settings.reach(),
        control=control,
        starting=starting,
    )
    with closing(results):
        yield from results


def ping(hosts: Iterable[Host], settings: Settings) -> Generator[HostResult, None, None]:
    """Ping hosts and yield each host's result as it is known."""
    if settings.dry_run:
        yield from _dry(hosts, None)
        return
    from runner.reach import probe  # noqa: PLC0415
    from runner.ways import ways  # noqa: PLC0415

    hosts = tuple(hosts)
    yield from probe(hosts, ping_options(settings), ways=ways(settings.connection(), hosts))


def ping_options(settings: Settings) -> ReachOptions:
    """Return how `ping` probes: as every task does, and at `--rate`, which else is a pace of logins."""
    options = settings.reach()
    return options if settings.rate is None else replace(options, rate=settings.rate)


def _described(job: Job) -> str | None:
    return f"would be sent: {' ; '.join(job.commands)}" if job.commands else None


def _dry(hosts: Iterable[Host], text: str | None, settings: Settings | None = None) -> Iterator[HostResult]:
    """Say of each host what would be done, and in which batch."""
    batches: Iterable[Sequence[Host]] = (tuple(hosts),)
    if settings is not None and (settings.serial or settings.shuffle or settings.order != "inventory"):
        from runner import fanout  # noqa: PLC0415 - brings Paramiko in

        batches = fanout.planned(hosts, settings.fanout())
    batches = tuple(batches)
    for number, batch in enumerate(batches, 1):
        place = f"batch {number} of {len(batches)}" if len(batches) > 1 else None
        said = "; ".join(part for part in (place, text) if part) or None
        for host in batch:
            yield _dry_result(host, said)


def _dry_result(host: Host, said: str | None) -> HostResult:
    """Return where a host would be reached; it fails if its variables do not say so, as it would in a run."""
    from runner.inventory.endpoint import endpoint, user  # noqa: PLC0415 - as above
    from runner.reach.verdict import invalid  # noqa: PLC0415

    try:
        place = endpoint(host)
        user(host)
    except HostError as exc:
        return invalid(host, exc)
    given = place.address != host.name
    address, port = (place.address, place.port) if given else (None, None)
    return HostResult(host.name, Status.SKIPPED, address, port, reason="dry-run", error=said)
