"""Carry out a plan: ping hosts, or ping them and run a job; yield results after they are recorded."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import AT_WORK, STOPPED, HostError
from runner.models import HostResult, Status
from runner.runs import resume
from runner.runs.background import in_background
from runner.runs.parsing import parsing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from runner.fanout import Control
    from runner.history import Recorder
    from runner.jobs import Job
    from runner.models import Host
    from runner.runs.planning import Plan

    Starting = Callable[[Sequence[str]], None]
    Batches = Generator[list[HostResult], None, None]
    """Each list holds the results that have arrived since the previous list, which may be none."""

__all__ = ["carry_out", "follow", "fresh", "ping_rounds", "stopped"]


def carry_out(plan: Plan, control: Control | None = None) -> Generator[HostResult, None, None]:
    """Carry out a plan; yield each host's result when it is known (and recorded, if the run is recorded).

    A KeyboardInterrupt that is raised while waiting for a result, or thrown in, ends the wait. Each remaining
    host gets a result that says so, and whether anything was sent. Then the interrupt is raised again.

    Args:
        plan: The plan.
        control: Handle to watch and stop the run.

    Raises:
        RunnerError: The run cannot start: for example, unknown executor, no permission to ping.
        KeyboardInterrupt: The run was interrupted.
    """
    ledger = _Ledger(plan)
    with closing(ledger), closing(parsing(plan)) as stage:
        try:
            yield from stage.through(ledger.entered(plan.decided))
            with closing(fresh(plan, control, ledger.start)) as batches:
                for batch in batches:
                    yield from stage.through(ledger.entered(batch))
            yield from stage.rest()
        except KeyboardInterrupt:
            yield from stage.rest(stopped=True)
            yield from ledger.entered(ledger.stopped())
            raise


def follow(results: Generator[HostResult, None, None], show: Callable[[HostResult], object]) -> bool:
    """Show every result of `carry_out` when it arrives; return whether an interrupt ended the run.

    After an interrupt, the results of the remaining hosts are shown, too.
    """
    with closing(results):
        try:
            for result in results:
                show(result)
        except KeyboardInterrupt as exc:
            with suppress(KeyboardInterrupt, StopIteration):
                show(results.throw(exc))
                while True:
                    show(next(results))
            return True
    return False


class _Ledger:
    """Tracks started hosts and results, and records them in the history."""

    def __init__(self, plan: Plan) -> None:
        self._recorder = _recorder(plan)
        self._left = {host.name: None for host in plan.hosts}
        self._started: set[str] = set()
        self._came: list[HostResult] = []

    def start(self, names: Sequence[str]) -> None:
        """Record that hosts are about to be handed to workers."""
        if self._recorder is not None:
            self._recorder.start(names)
        self._started.update(names)

    def entered(self, results: Iterable[HostResult]) -> Iterator[HostResult]:
        """Record and yield results, first those that an interrupt has held back."""
        self._came.extend(results)
        if self._recorder is not None:
            self._recorder.keep([result for result in self._came if result.reason != resume.KEPT])
        while self._came:
            self._left.pop(self._came[0].host, None)
            yield self._came.pop(0)

    def stopped(self) -> list[HostResult]:
        """Return a `CANCELLED` result for each host that has none."""
        known = {result.host for result in self._came}
        return [stopped(name, sent=name in self._started) for name in self._left if name not in known]

    def close(self) -> None:
        """Record the end of the run."""
        if self._recorder is not None:
            self._recorder.finish()


def stopped(host: str, *, sent: bool) -> HostResult:
    """Return the result of a host that the run no longer waits for."""
    text = AT_WORK if sent else STOPPED
    return HostResult(host, Status.CANCELLED, reason="stopped", error=text, sent=sent)


def _recorder(plan: Plan) -> Recorder | None:
    if not plan.recorded:
        return None
    from runner.history import Recorder  # noqa: PLC0415 - imports SQLite

    return Recorder(
        resume.history_path(plan.settings),
        plan.run,
        [host.name for host in plan.hosts],
        arguments=plan.arguments,
        resumed=plan.resumed,
        limits=resume.limits(plan.settings),
    )


def _nothing(_names: Sequence[str]) -> None:
    """Do nothing."""


def fresh(plan: Plan, control: Control | None, starting: Starting = _nothing) -> Batches:
    """Contact the hosts of a plan; yield their results without recording them.

    Args:
        plan: The plan.
        control: Handle to watch and stop the run.
        starting: Called with the names of hosts that are about to be handed to workers.
    """
    if plan.settings.dry_run:
        return _dry(plan)
    return _pinged(plan) if plan.job is None else _worked_on(plan, plan.job, control, starting)


def _worked_on(plan: Plan, job: Job, control: Control | None, starting: Starting) -> Batches:
    from runner import fanout  # noqa: PLC0415 - imports Paramiko
    from runner.connection.connections import Connections  # noqa: PLC0415
    from runner.runs import host_key_warnings  # noqa: PLC0415 - imports Paramiko

    settings = plan.settings
    host_key_warnings.warn(plan.todo, settings, plan.inventory)
    return fanout.batches(
        plan.todo,
        job,
        run=plan.run.id,
        connecting=Connections(settings.connection_options()),
        options=settings.fanout(),
        reach=settings.reach(),
        control=control,
        starting=starting,
    )


def _pinged(plan: Plan) -> Batches:
    from runner.connection.target.routes import routes  # noqa: PLC0415
    from runner.reach import probe  # noqa: PLC0415 - as above

    if plan.pings.count is None:
        found = routes(plan.settings.connection_options(), plan.todo)
        with closing(in_background(probe(plan.todo, plan.settings.pinging(), routes=found))) as batches:
            yield from batches
        return
    from runner.reach.rounds import summed  # noqa: PLC0415 - as above

    of_host: dict[str, list[HostResult]] = {host.name: [] for host in plan.todo}
    for results in ping_rounds(plan, tries=1):
        for name, result in results.items():
            of_host[name].append(result)
    yield [summed(results) for results in of_host.values()]


def ping_rounds(plan: Plan, tries: int | None = None) -> Iterator[dict[str, HostResult]]:
    """Ping the hosts of a plan in rounds, endlessly if it sets no count; yield the results of each round.

    Args:
        plan: The plan.
        tries: Tries per host and round; None means the setting.
    """
    from runner.connection.target.routes import routes  # noqa: PLC0415
    from runner.reach.rounds import rounds  # noqa: PLC0415 - as above

    options = plan.settings.pinging()
    if tries is not None:
        options = replace(options, tries=tries)
    found = routes(plan.settings.connection_options(), plan.todo)
    return rounds(plan.todo, options, plan.pings.interval_s, plan.pings.count, routes=found)


def _dry(plan: Plan) -> Batches:
    """Yield for each host a result that says what would be sent, and in which batch."""
    settings, commands = plan.settings, plan.job.commands if plan.job is not None else ()
    text = f"would be sent: {' ; '.join(commands)}" if commands else None
    batches: Iterable[Sequence[Host]] = (plan.todo,)
    if plan.job is not None and (settings.serial or settings.shuffle or settings.order != "inventory"):
        from runner import fanout  # noqa: PLC0415 - imports Paramiko

        batches = fanout.planned(plan.todo, settings.fanout())
    batches = tuple(batches)
    for number, batch in enumerate(batches, 1):
        place = f"batch {number} of {len(batches)}" if len(batches) > 1 else None
        said = "; ".join(part for part in (place, text) if part) or None
        yield [_dry_result(host, said) for host in batch]


def _dry_result(host: Host, said: str | None) -> HostResult:
    """Return a result with the address of a host; if the address is invalid, the same error as in a run."""
    from runner.inventory.endpoint import endpoint, user  # noqa: PLC0415 - only for a dry run
    from runner.reach.verdict import invalid  # noqa: PLC0415

    try:
        place = endpoint(host)
        user(host)
    except HostError as exc:
        return invalid(host, exc)
    given = place.address != host.name
    address, port = (place.address, place.port) if given else (None, None)
    return HostResult(host.name, Status.SKIPPED, address, port, reason="dry-run", error=said)
