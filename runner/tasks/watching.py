"""What `watch` does with the hosts that were chosen: rounds of commands, on connections that stay."""

from __future__ import annotations

import io
import itertools
import math
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner import runs
from runner.connection.deadline import Deadline
from runner.connection.kept import keeping
from runner.errors import UsageError
from runner.fanout import Control
from runner.jobs import CommandJob
from runner.masks import found
from runner.models import Status
from runner.names import fold
from runner.reach.file_limit import socket_allowance
from runner.report import progress
from runner.report.messages import ask, say, speaking_around
from runner.report.output import write
from runner.report.rounds import FoldedRounds, JsonLinesRounds, Seen, check_format
from runner.report.status_line import StatusLine
from runner.report.terminal import Style
from runner.results import Results
from runner.runs.interruption import Interruption
from runner.tasks.present import colour_wanted, prepare, reporter_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.models import Host, HostResult
    from runner.report.progress import Progress
    from runner.report.rounds import RoundsView
    from runner.runs import Plan
    from runner.settings import Settings
    from runner.text.expressions import Expression

__all__ = ["INTERVAL_S", "Asked", "check", "watch"]

INTERVAL_S = 10.0
"""Seconds from one round to the next, where nobody says otherwise."""

_MOST_KEPT = 2000
"""Connections that are kept: each is a thread and about 60 KiB beside its socket."""
_NOT_SEEN = 2
"""The exit code when all rounds are over, every host is ok, and what was waited for has not come."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The flags that only `watch` has.

    Attributes:
        interval_s: Seconds from the beginning of one round to that of the next.
        count: How many rounds; None is until somebody stops it.
        until_change: Whether the first change is the end.
        until: What every host has to say for that to be the end; None is nothing.
    """

    interval_s: float = INTERVAL_S
    count: int | None = None
    until_change: bool = False
    until: Expression | None = None


def check(settings: Settings, asked: Asked) -> None:
    """Refuse what does not go with rounds.

    Raises:
        UsageError: Something does not.
    """
    if asked.until_change and asked.until is not None:
        raise UsageError("--until-change and --until exclude each other")
    if settings.resume:
        raise UsageError("--resume goes on with runs of commands; watch anew instead")
    if settings.output_dir is not None:
        raise UsageError("--output-dir does not fit watch, which has many outputs of each host; use run")
    if settings.overflow == "spill":
        raise UsageError(
            "--overflow spill does not fit watch: every round would leave its files; use end or drop"
        )
    check_format(settings.format, settings.given)


def watch(commands: tuple[str, ...], settings: Settings, asked: Asked) -> int:
    """Run commands in rounds; show what changes; return the exit code.

    Nothing of it goes into the history, as with `ping --watch`: the rounds of a day would push out every run
    that somebody may want to compare with or to go on with.

    Raises:
        RunnerError: Something that the user can mend kept it from starting.
    """
    prepare(settings)
    plan = runs.plan(runs.Request("watch", settings, CommandJob(commands), recorded=False), ask)
    if plan.decided:
        say(f"not watched, as what was done there is not known: {fold(item.host for item in plan.decided)}")
    if not plan.todo:
        say("nothing to watch: every one of these hosts ended ok")
        return 0
    return _Watch(replace(plan, decided=()), asked, _view(plan)).until_its_end()


def _view(plan: Plan) -> RoundsView:
    if plan.settings.format == "jsonl":
        return JsonLinesRounds(plan.settings.only)
    shown = io.StringIO()
    reporter = reporter_of(plan.settings, plan.todo, lambda: plan.inventory, shown)
    return FoldedRounds(reporter, shown, Style(colour=colour_wanted()), plan.settings.only)


class _Watch:
    """Rounds of one run's commands."""

    def __init__(self, plan: Plan, asked: Asked, view: RoundsView) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._asked = asked
        self._view = view
        self._seen = Seen(plan.run, plan.settings.ignore)
        self._line = StatusLine(sys.stderr, wanted=not plan.settings.quiet)
        self._signalled: int | None = None
        self._last_change: datetime | None = None
        self._came = False
        self._read = True

    @property
    def _hosts(self) -> tuple[Host, ...]:
        """The hosts of the next round."""
        return self._plan.todo

    def until_its_end(self) -> int:
        """Go round after round; return the exit code."""
        interruption = Interruption()
        room = _room(len(self._hosts), self._settings.most_workers)
        with interruption.handled(), speaking_around(self._line), keeping(room):
            try:
                for number in itertools.count(1):
                    began = time.monotonic()
                    self._round()
                    if self._over(number):
                        break
                    self._wait(number, began + self._asked.interval_s)
            except KeyboardInterrupt:
                self._signalled = interruption.exit_code
        if self._read:
            self._show(self._view.ended(self._seen, self._plan.run.ended()))
        return self._exit_code()

    def _round(self) -> None:
        """Do it once on every host, and show what that found."""
        results = self._results()
        found = self._seen.take(results, datetime.now(UTC), time.monotonic())
        if found.number == 1:
            self._show(self._view.first(self._seen, found))
            self._leave_out_refused()
        elif found.changes:
            self._last_change = found.when
            self._show(self._view.later(self._seen, found))
            self._leave_out_refused()
        waited_for = self._asked.until_change and found.changes
        self._came = bool(waited_for) or self._all_say()

    def _results(self) -> list[HostResult]:
        """Return what a round came to; of one that was stopped, what is news."""
        run = self._plan.run
        if Deadline(run=run.id).stopped():  # something of the last round goes on, and must find it so
            self._plan = replace(self._plan, run=replace(run, id=runs.begin("watch", self._settings).id))
        control = Control()
        interruption = Interruption(control, say=say)
        results: dict[str, HostResult] = {}
        self._line.close()
        with interruption.handled(), speaking_around(self._progress(control)) as shown:

            def take(result: HostResult) -> None:
                shown.result(result)
                results[result.host] = result

            runs.follow(runs.carry_out(self._plan, control), take)
        if interruption.exit_code is None:
            return list(results.values())
        self._signalled = interruption.exit_code
        return self._news(list(results.values()))

    def _news(self, results: Sequence[HostResult]) -> list[HostResult]:
        """Return the results of a round that was stopped, but for those of hosts that it did not come to."""
        doubtful = [item.host for item in results if item.status is Status.CANCELLED and item.sent]
        if doubtful and not self._settings.quiet:
            say(f"what the command did is not known on: {fold(doubtful)}")
        known = self._seen.now
        return [item for item in results if item.status is not Status.CANCELLED or item.host not in known]

    def _progress(self, control: Control) -> Progress:
        """Return the progress of a round that takes a while, on a terminal, as a run has it."""
        wanted = self._line.visible and self._settings.executor != "serial"
        return progress.create(sys.stderr, len(self._hosts), lambda: control.running, wanted=wanted)

    def _leave_out_refused(self) -> None:
        """Leave out hosts with status auth: many lock the account at the third or fifth refused login."""
        refused = [host.name for host in self._hosts if self._seen.now[host.name].status is Status.AUTH]
        if not refused:
            return
        left = tuple(host for host in self._hosts if host.name not in set(refused))
        self._plan = replace(self._plan, todo=left, hosts=left)
        if not self._settings.quiet:
            say(f"left out of the next rounds, as their status is auth: {fold(refused)}")

    def _all_say(self) -> bool:
        """Whether every host is ok and says what is waited for."""
        pattern = self._asked.until
        return pattern is not None and all(
            result.ok and found(f"{result.stdout}\n{result.stderr}", pattern, result.host)
            for result in self._seen.now.values()
        )

    def _over(self, number: int) -> bool:
        ended = self._came or not self._read or self._signalled is not None
        return ended or number == self._asked.count or not self._hosts or self._settings.dry_run

    def _wait(self, number: int, until: float) -> None:
        """Wait for the next round, which begins at once where this one took longer than the interval."""
        last = "none yet" if self._last_change is None else f"{self._last_change.astimezone():%H:%M:%S}"
        while (left := until - time.monotonic()) > 0:
            self._line.show(f"round {number} done; last change: {last}; next in {math.ceil(left)} s")
            time.sleep(min(left, 1.0) if self._line.visible else left)

    def _show(self, texts: Iterable[str]) -> None:
        self._line.close()
        self._read = write(texts)

    def _exit_code(self) -> int:
        """Return that of the last round; 0 where what was waited for has come."""
        if self._signalled is not None:
            return self._signalled
        if self._came:
            return 0
        waiting = self._asked.until_change or self._asked.until is not None
        code = Results(self._seen.now.values(), self._plan.run).exit_code
        return _NOT_SEEN if waiting and code == 0 else code


def _room(hosts: int, workers: int) -> int:
    """Return how many connections may be kept beside those that a round opens and its pings need."""
    at_work = min(hosts, workers)
    return min(hosts, _MOST_KEPT, max(0, socket_allowance(2 * hosts + at_work) - at_work) // 2)
