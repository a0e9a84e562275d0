"""What `ping` does with the hosts that were chosen: once, so many times, or until it is stopped."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from runner import runs
from runner.errors import UsageError
from runner.reach.icmp import icmp_permitted
from runner.reach.reasons import Reason
from runner.reach.rounds import Changes, rounds, summed
from runner.report import watch as watches
from runner.report.bare import BareReporter
from runner.results import Results
from runner.tasks.earlier import Intended, plan, record
from runner.tasks.interruption import Interruption
from runner.tasks.output import written
from runner.tasks.present import arranged, present
from runner.tasks.recording import Recording
from runner.tasks.voice import say
from runner.ways import ways

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from runner.inventory import Inventory
    from runner.models import Host, HostResult
    from runner.report import Reporter
    from runner.settings import Settings

__all__ = ["Asked", "check", "left_of", "once", "watch"]

_SOME_NOT_OK = (2, 4, 6)
_BARE_IGNORES = ("format", "diff", "ignore", "prefix", "raw")
_WATCHED_AS = ("folded", "jsonl")
_WATCH_IGNORES = ("diff", "ignore", "prefix", "raw", "only", "sort", "output_dir")


@dataclass(frozen=True, slots=True)
class Asked:
    """The flags that only `ping` has.

    Attributes:
        count: How many times each host is pinged.
        interval_s: Seconds from one time to the next.
        bare: Whether bare names are wanted, of hosts that are up (True) or of those that are not (False).
    """

    count: int | None
    interval_s: float
    bare: bool | None = None


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


def left_of(hosts: tuple[Host, ...], settings: Settings) -> tuple[Host, ...]:
    """Return the hosts that `--failed` leaves to be pinged, those in doubt among them: a ping harms nobody.

    Raises:
        UsageError: The earlier run that was named is not there.
    """
    return plan(replace(settings, rerun_lost=settings.failed is not None), hosts, Intended("ping")).hosts


def once(hosts: Sequence[Host], settings: Settings, asked: Asked, inventory: Inventory) -> int:
    """Ping hosts, report, and return the exit code.

    Raises:
        UsageError: The format is not known.
    """
    run = runs.begin("ping", settings, pattern=settings.group, inventory=inventory.sources)
    recording = Recording(lambda: record(run, hosts, settings))
    reporter = None if asked.bare is None else _bare(hosts, settings, alive=asked.bare)
    several = asked.count is not None and not settings.dry_run
    results = _several(hosts, settings, asked) if several else runs.ping(hosts, settings)
    silent: list[str] = []
    code = present(
        run,
        hosts,
        _noting(results, silent),
        settings,
        Interruption(),
        recording=recording,
        reporter=reporter,
        inventory=inventory,
    )
    if silent and code in _SOME_NOT_OK and not settings.quiet:
        _say_what_icmp_needs(settings)
    return code


def _bare(hosts: Sequence[Host], settings: Settings, *, alive: bool) -> Reporter:
    return arranged(BareReporter(sys.stdout, alive=alive), hosts, settings)


def _noting(
    results: Generator[HostResult, None, None], silent: list[str]
) -> Generator[HostResult, None, None]:
    """Pass results on, and note who gave no sign of life."""
    with closing(results):
        for result in results:
            if result.reason == Reason.NO_REPLY:
                silent.append(result.host)
            yield result


def _say_what_icmp_needs(settings: Settings) -> None:
    """Say that who was silent may have answered an echo, where none could be sent."""
    hint = icmp_permitted() if settings.method == "auto" else None
    if hint is not None:
        say(f"note: hosts were pinged by TCP only: {hint}")


def _several(hosts: Sequence[Host], settings: Settings, asked: Asked) -> Generator[HostResult, None, None]:
    """Ping so many times, each time with one try; yield each host's result at the end."""
    found: dict[str, list[HostResult]] = {host.name: [] for host in hosts}
    options = replace(runs.ping_options(settings), tries=1)
    way = ways(settings.connection(), hosts)
    for results in rounds(hosts, options, asked.interval_s, asked.count or 1, ways=way):
        for name, result in results.items():
            found[name].append(result)
    for results_of_host in found.values():
        yield summed(results_of_host)


def watch(hosts: Sequence[Host], settings: Settings, asked: Asked) -> int:
    """Ping in rounds until Ctrl-C, or so many times; show changes; return the exit code of the last round."""
    changes = Changes()
    interruption = Interruption()
    run = runs.begin("ping", settings)
    view = watches.create(sys.stdout, as_lines=settings.format == "jsonl")
    with interruption.handled(), closing(view):
        try:
            options, way = runs.ping_options(settings), ways(settings.connection(), hosts)
            for results in rounds(hosts, options, asked.interval_s, asked.count, ways=way):
                when = datetime.now(UTC)
                news = changes.take(results, when)
                if not written(partial(view.update, changes, news, when)):
                    break
        except KeyboardInterrupt:
            pass
    if interruption.exit_code is not None:
        return interruption.exit_code
    return Results(changes.now.values(), run).exit_code
