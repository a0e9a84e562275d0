"""A plan, carried out: hosts are pinged, or pinged and worked on; results come when they are recorded."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import AT_WORK, STOPPED, HostError
from runner.models import HostResult, Status
from runner.runs import resume as earlier
from runner.runs.background import in_background

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from runner.fanout import Control
    from runner.history import Recorder
    from runner.jobs import Job
    from runner.models import Host
    from runner.runs.planning import Plan

    Starting = Callable[[Sequence[str]], None]
    Batches = Generator[list[HostResult], None, None]
    """Results as they come: each list holds those that came since the one before."""

__all__ = ["carry_out", "follow", "fresh", "ping_rounds", "stopped"]


def carry_out(plan: Plan, control: Control | None = None) -> Generator[HostResult, None, None]:
    """Carry out a plan; yield each host's one result when it is known, and recorded if the run is to be.

    KeyboardInterrupt, raised while a result is awaited or thrown in, ends all waiting: the hosts that are
    left get a result that says so, and whether anything had been sent; then it is raised again.

    Args:
        plan: The plan.
        control: By which the run can be stopped.

    Raises:
        RunnerError: It cannot be begun: no executor of that name, no permission to ping.
        KeyboardInterrupt: It was interrupted.
    """
    ledger = _Ledger(plan)
    with closing(ledger):
        try:
            yield from ledger.entered(plan.decided)
            with closing(fresh(plan, control, ledger.start)) as batches:
                for batch in batches:
                    yield from ledger.entered(batch)
        except KeyboardInterrupt:
            yield from ledger.entered(ledger.stopped())
            raise


def follow(results: Generator[HostResult, None, None], show: Callable[[HostResult], object]) -> bool:
    """Show every result of `carry_out` as it comes; return whether an interrupt was the end of it.

    What is left then is shown, too, wherever the interrupt came.
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
    """The hosts that have been started and the results that have come, here and in the history."""

    def __init__(self, plan: Plan) -> None:
        self._recorder = _recorder(plan)
        self._left = {host.name: None for host in plan.hosts}
        self._started: set[str] = set()
        self._came: list[HostResult] = []

    def start(self, names: Sequence[str]) -> None:
        """Enter that hosts are about to be handed to workers."""
        if self._recorder is not None:
            self._recorder.start(names)
        self._started.update(names)

    def entered(self, results: Iterable[HostResult]) -> Iterator[HostResult]:
        """Enter results, and first those that an interrupt kept out; yield them."""
        self._came.extend(results)
        if self._recorder is not None:
            self._recorder.keep([result for result in self._came if result.reason != earlier.KEPT])
        while self._came:
            self._left.pop(self._came[0].host, None)
            yield self._came.pop(0)

    def stopped(self) -> list[HostResult]:
        """Return a result for each host that has none."""
        known = {result.host for result in self._came}
        return [stopped(name, sent=name in self._started) for name in self._left if name not in known]

    def close(self) -> None:
        """Enter the end of the run."""
        if self._recorder is not None:
            self._recorder.finish()


def stopped(host: str, *, sent: bool) -> HostResult:
    """Return the result of a host that is not waited for any longer."""
    text = AT_WORK if sent else STOPPED
    return HostResult(host, Status.CANCELLED, reason="stopped", error=text, sent=sent)


def _recorder(plan: Plan) -> Recorder | None:
    if not plan.recorded:
        return None
    from runner.history import Recorder  # noqa: PLC0415 - SQLite, where a history is kept

    return Recorder(
        earlier.history_path(plan.settings),
        plan.run,
        [host.name for host in plan.hosts],
        arguments=plan.arguments,
        resumed=plan.resumed,
        limits=earlier.limits(plan.settings),
    )


def _nothing(_names: Sequence[str]) -> None:
    """Enter nothing."""


def fresh(plan: Plan, control: Control | None, starting: Starting = _nothing) -> Batches:
    """Yield the results of the hosts that are to be touched, recorded nowhere.

    Args:
        plan: The plan.
        control: By which the run can be stopped.
        starting: Called with the names of hosts that are about to be handed to workers.
    """
    if plan.settings.dry_run:
        return _dry(plan)
    return _pinged(plan) if plan.job is None else _worked_on(plan, plan.job, control, starting)


def _worked_on(plan: Plan, job: Job, control: Control | None, starting: Starting) -> Batches:
    from runner import fanout  # noqa: PLC0415 - they bring Paramiko in
    from runner.connection.connections import Connections  # noqa: PLC0415
    from runner.runs import host_key_warnings  # noqa: PLC0415 - they bring Paramiko in

    settings = plan.settings
    host_key_warnings.warn(plan.todo, settings, plan.inventory)
    return fanout.batches(
        plan.todo,
        job,
        run=plan.run.id,
        connecting=Connections(settings.connection()),
        options=settings.fanout(),
        reach=settings.reach(),
        control=control,
        starting=starting,
    )


def _pinged(plan: Plan) -> Batches:
    from runner.connection.target.ways import ways  # noqa: PLC0415
    from runner.reach import probe  # noqa: PLC0415 - as above

    if plan.pings.count is None:
        found = ways(plan.settings.connection(), plan.todo)
        with closing(in_background(probe(plan.todo, plan.settings.pinging(), ways=found))) as batches:
            yield from batches
        return
    from runner.reach.rounds import summed  # noqa: PLC0415 - as above

    of_host: dict[str, list[HostResult]] = {host.name: [] for host in plan.todo}
    for results in ping_rounds(plan, tries=1):
        for name, result in results.items():
            of_host[name].append(result)
    yield [summed(results) for results in of_host.values()]


def ping_rounds(plan: Plan, tries: int | None = None) -> Iterator[dict[str, HostResult]]:
    """Ping the hosts of a plan as often as it says, without an end if it does not; yield each time's results.

    Args:
        plan: The plan.
        tries: Tries of each host each time, if not as many as the settings say.
    """
    from runner.connection.target.ways import ways  # noqa: PLC0415
    from runner.reach.rounds import rounds  # noqa: PLC0415 - as above

    options = plan.settings.pinging()
    if tries is not None:
        options = replace(options, tries=tries)
    found = ways(plan.settings.connection(), plan.todo)
    return rounds(plan.todo, options, plan.pings.interval_s, plan.pings.count, ways=found)


def _dry(plan: Plan) -> Batches:
    """Say of each host what would be done, and in which batch."""
    settings, commands = plan.settings, plan.job.commands if plan.job is not None else ()
    text = f"would be sent: {' ; '.join(commands)}" if commands else None
    batches: Iterable[Sequence[Host]] = (plan.todo,)
    if plan.job is not None and (settings.serial or settings.shuffle or settings.order != "inventory"):
        from runner import fanout  # noqa: PLC0415 - brings Paramiko in

        batches = fanout.planned(plan.todo, settings.fanout())
    batches = tuple(batches)
    for number, batch in enumerate(batches, 1):
        place = f"batch {number} of {len(batches)}" if len(batches) > 1 else None
        said = "; ".join(part for part in (place, text) if part) or None
        yield [_dry_result(host, said) for host in batch]


def _dry_result(host: Host, said: str | None) -> HostResult:
    """Return the address at which a host would be reached; one without a usable one fails as in a run."""
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
