"""Run and show the rounds of `watch`, on connections that stay open."""

from __future__ import annotations

import io
import itertools
import math
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner import runs
from runner.connection.pool import keeping
from runner.fanout import Control
from runner.report.command_watch import FoldedRounds, JsonLinesRounds, Seen, check_format
from runner.report.messages import ask, say, speaking_around
from runner.report.output import colour_wanted, write
from runner.report.progress import progress
from runner.report.progress.status_line import StatusLine
from runner.report.terminal import Style
from runner.runs import watching
from runner.runs.interruption import Interruption
from runner.tasks.present import reporter_of
from runner.tasks.settings import say_settings
from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import HostResult
    from runner.report.command_watch import RoundsView
    from runner.report.progress.progress import Progress
    from runner.runs import Plan
    from runner.settings import Settings

__all__ = ["watch"]


def watch(commands: tuple[str, ...], settings: Settings, asked: watching.Asked) -> int:
    """Run commands in rounds; show what changes; return the exit code.

    Raises:
        RunnerError: The rounds cannot start; the message says what the user can do.
    """
    check_format(settings.format, settings.given)
    say_settings(settings)
    plan = watching.planned(commands, settings, ask)
    if plan.decided:
        say(f"not watched, because the outcome there is unknown: {fold(item.host for item in plan.decided)}")
    if not plan.todo:
        say("nothing to watch: every one of these hosts ended ok")
        return 0
    return _Watch(watching.Rounds(plan, asked), asked.interval_s, _view(plan)).until_its_end()


def _view(plan: Plan) -> RoundsView:
    if plan.settings.format == "jsonl":
        return JsonLinesRounds(plan.settings.only)
    shown = io.StringIO()
    reporter = reporter_of(plan.settings, plan.todo, lambda: plan.inventory, shown)
    return FoldedRounds(reporter, shown, Style(colour=colour_wanted()), plan.settings.only)


class _Watch:
    """The loop of rounds; it ends early if the reader closes stdout."""

    def __init__(self, rounds: watching.Rounds, interval_s: float, view: RoundsView) -> None:
        self._rounds = rounds
        self._settings = rounds.plan.settings
        self._interval_s = interval_s
        self._view = view
        self._seen = Seen(rounds.plan.run, self._settings.ignore)
        self._line = StatusLine(sys.stderr, wanted=not self._settings.quiet)
        self._signalled: int | None = None
        self._last_change: datetime | None = None
        self._read = True

    def until_its_end(self) -> int:
        """Run rounds until the end; return the exit code."""
        interruption = Interruption()
        room = watching.room(len(self._rounds.plan.todo), self._settings.most_workers)
        with interruption.handled(), speaking_around(self._line), keeping(room):
            try:
                for number in itertools.count(1):
                    began = time.monotonic()
                    self._round()
                    if self._rounds.over or not self._read or self._signalled is not None:
                        break
                    self._wait(number, began + self._interval_s)
            except KeyboardInterrupt:
                self._signalled = interruption.exit_code
        if self._read:
            self._show(self._view.ended(self._seen, self._rounds.plan.run.ended()))
        return self._rounds.exit_code(self._seen.now) if self._signalled is None else self._signalled

    def _round(self) -> None:
        """Run one round on every host, and show its findings."""
        results = self._results()
        found = self._seen.take(results, datetime.now(UTC), time.monotonic())
        if found.number == 1:
            self._show(self._view.first(self._seen, found))
        elif found.changes:
            self._last_change = found.when
            self._show(self._view.later(self._seen, found))
        refused = self._rounds.take(self._seen.now, changed=bool(found.changes))
        if refused and not self._settings.quiet:
            say(f"left out of the next rounds, as their status is auth: {fold(refused)}")

    def _results(self) -> list[HostResult]:
        """Run a round and return its results; if it was stopped, only those that are news."""
        control = Control()
        interruption = Interruption(control, say=say)
        results: dict[str, HostResult] = {}
        self._line.close()
        with interruption.handled(), speaking_around(self._progress(control)) as shown:

            def take(result: HostResult) -> None:
                shown.result(result)
                results[result.host] = result

            runs.follow(self._rounds.begin(control), take)
        came = list(results.values())
        if interruption.exit_code is None:
            return came
        self._signalled = interruption.exit_code
        doubtful = watching.in_doubt(came)
        if doubtful and not self._settings.quiet:
            say(f"unknown whether the command took effect on: {fold(doubtful)}")
        return watching.news(came, self._seen.now)

    def _progress(self, control: Control) -> Progress:
        """Return the progress display of a round, as for a run, but only on a terminal."""
        wanted = self._line.visible and self._settings.executor != "serial"
        total = len(self._rounds.plan.todo)
        return progress.create(sys.stderr, total, lambda: control.running, wanted=wanted)

    def _wait(self, number: int, until: float) -> None:
        """Wait for the next round; do not wait if this one took longer than the interval."""
        last = "none yet" if self._last_change is None else f"{self._last_change.astimezone():%H:%M:%S}"
        while (left := until - time.monotonic()) > 0:
            self._line.show(f"round {number} done; last change: {last}; next in {math.ceil(left)} s")
            time.sleep(min(left, 1.0) if self._line.visible else left)

    def _show(self, texts: Iterable[str]) -> None:
        self._line.close()
        self._read = write(texts)
