"""Carry out a plan: show reports on the terminal and return an exit code."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from runner import report, runs
from runner.models import Host, HostResult, Status
from runner.report.arranged import Arranged
from runner.report.files import OutputFolder
from runner.report.messages import MessageStream, say, speaking_around
from runner.report.output import Output, colour_wanted, columns, on_terminal, tolerant_stdout
from runner.report.progress import progress
from runner.results.results import Summary
from runner.runs.interruption import Interruption
from runner.runs.parsing import recorded
from runner.runs.resume import KEPT
from runner.settings import rows
from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence
    from typing import TextIO

    from runner.fanout import Control
    from runner.history import Record
    from runner.inventory import Inventory
    from runner.report import Reporter
    from runner.report.progress.progress import Progress
    from runner.runs import Plan
    from runner.settings import Settings

__all__ = ["arranged", "present", "reporter_of", "show"]


def present(
    plan: Plan,
    control: Control | None = None,
    reporter: Reporter | None = None,
    note: Callable[[HostResult], object] = lambda _result: None,
) -> int:
    """Carry out a plan; report results as they come, then a summary; return the exit code.

    Args:
        plan: The plan.
        control: The control to stop the run with; without it, the first Ctrl-C ends all waiting.
        reporter: Shows the results; None for the reporter that the settings name.
        note: Called with each result before it is shown.

    Raises:
        UsageError: The format is not known or the output folder cannot be used.
    """
    settings = plan.settings
    tolerant_stdout()
    output = Output(reporter or reporter_of(settings, plan.hosts, lambda: plan.inventory))
    folder = None
    if settings.output_dir is not None:
        folder = OutputFolder(settings.output_dir, plan.run, [host.name for host in plan.hosts])
    interruption = Interruption(control, say=say)
    presentation = _Presentation(plan, output, folder, note)
    with interruption.handled():
        # Text that a job prints is not a result, so it goes to stderr. Reporters already have stdout.
        with redirect_stdout(MessageStream()), speaking_around(presentation.progress(control)) as line:
            presentation.follow(runs.carry_out(plan, control), line)
        summary = Summary(plan.run.ended(), presentation.counts)
        output.call("finish", summary)
        presentation.finish_folder()
    presentation.warn(settings)
    output.flush()
    return output.exit_code(summary.exit_code if interruption.exit_code is None else interruption.exit_code)


class _Presentation:
    """Passes the results of one run to reporter and output folder; keeps only counts and host names."""

    def __init__(
        self,
        plan: Plan,
        output: Output,
        folder: OutputFolder | None,
        note: Callable[[HostResult], object],
    ) -> None:
        self.counts = dict.fromkeys(Status, 0)
        self._plan = plan
        self._note = note
        self._doubtful: list[str] = []
        self._left = {host.name: None for host in plan.hosts}
        self._output = output
        self._folder = folder
        self._unwritten: list[str] = []
        self._why_unwritten = ""

    def progress(self, control: Control | None) -> Progress:
        """Return the progress display of this run."""
        return progress.create(
            sys.stderr,
            len(self._left),
            (lambda: tuple(self._left)) if control is None else (lambda: control.running),
            wanted=_progress_wanted(self._plan.settings),
            doing="waiting for" if control is None else "running",
        )

    def follow(self, results: Generator[HostResult, None, None], line: Progress) -> None:
        """Show every result as it comes, also those that come after an interrupt."""
        self._output.call("start", self._plan.run)
        runs.follow(results, lambda result: self._take(result, line))

    def finish_folder(self) -> None:
        """Write the list of failed hosts; report files of the output folder that could not be written."""
        if self._folder is None:
            return
        try:
            if not self._unwritten:
                self._folder.finish()
        except OSError as exc:
            self._output.fail(f"the list of failed hosts was not written: {exc.strerror or exc}")
        if self._unwritten:
            hosts = fold(self._unwritten)
            self._output.fail(f"the output of {hosts} was not written: {self._why_unwritten}")

    def warn(self, settings: Settings) -> None:
        """Print at the end, next to the prompt, the hosts where the command may be only partly done."""
        if self._doubtful and not settings.quiet:
            say(f"unknown whether the command took effect on: {fold(self._doubtful)}")

    def _take(self, result: HostResult, line: Progress) -> None:
        self._note(result)
        self.counts[result.status] += 1
        self._left.pop(result.host, None)
        if _in_doubt(result):
            self._doubtful.append(result.host)
        self._show(result, line)

    def _show(self, result: HostResult, line: Progress) -> None:
        if self._folder is not None and result.reason != KEPT:
            self._write(self._folder, result)
        line.result(result)
        if self._output.silent:
            self._output.call("result", result)
        else:
            with line.aside():
                self._output.call("result", result)

    def _write(self, folder: OutputFolder, result: HostResult) -> None:
        try:
            folder.write(result)
        except OSError as exc:
            self._unwritten.append(result.host)
            self._why_unwritten = exc.strerror or str(exc)


def show(record: Record, settings: Settings, groups: Callable[[], Inventory | None]) -> int:
    """Report a run of the history as it was reported at the time; return its exit code.

    Args:
        record: The run.
        settings: The settings of the report.
        groups: Loads the inventory, for names of groups and platforms of hosts; None if there is none.

    Raises:
        UsageError: The format is not known.
    """
    tolerant_stdout()
    output = Output(reporter_of(settings, [Host(name) for name in record.hosts], groups))
    counts = dict.fromkeys(Status, 0)
    output.call("start", record.run)
    for result in recorded(record, settings, groups):
        counts[result.status] += 1
        output.call("result", result)
    summary = Summary(record.run, counts)
    output.call("finish", summary)
    output.flush()
    return output.exit_code(summary.exit_code)


def _progress_wanted(settings: Settings) -> bool:
    """Return whether to show progress: not with the serial executor, which is used to debug a job."""
    return not settings.quiet and settings.executor != "serial"


def _in_doubt(result: HostResult) -> bool:
    return result.status is Status.LOST or (result.status is Status.CANCELLED and result.sent)


def reporter_of(
    settings: Settings,
    hosts: Sequence[Host],
    inventory: Callable[[], Inventory | None],
    stream: TextIO | None = None,
) -> Reporter:
    """Return the reporter that the flags select.

    Args:
        settings: The flags.
        hosts: The hosts of the run.
        inventory: Returns the inventory, for the names of groups; returns None if it is not known.
        stream: The stream to write to; None is stdout.

    Raises:
        UsageError: The format is not known, or a flag does not fit it.
    """
    given = [flag for flag in report.FLAGS if flag in settings.given]
    options = _options(settings, hosts, inventory)
    made = report.create(rows.shape(settings), stream or sys.stdout, options, given)
    return arranged(made, hosts, settings)


def arranged(reporter: Reporter, hosts: Sequence[Host], settings: Settings) -> Reporter:
    """Return a reporter that gets only the results of `--only`, in the order of `--sort`."""
    places = {host.name: place for place, host in enumerate(hosts)}
    return Arranged(reporter, places, frozenset(settings.only), settings.sort)


def _options(
    settings: Settings, hosts: Sequence[Host], inventory: Callable[[], Inventory | None]
) -> report.ReportOptions:
    return report.ReportOptions(
        colour=colour_wanted(),
        verbose=settings.verbose,
        width=columns() if on_terminal() else None,
        hosts=hosts,
        groups=lambda: _members(inventory()),
        diff=settings.diff,
        ignore=settings.ignore,
        prefix=settings.prefix,
        raw=settings.raw,
        rows=rows.how_to_parse(settings) != "none",
        query=rows.query(settings),
    )


def _members(inventory: Inventory | None) -> dict[str, Collection[str]]:
    """Return the hosts of each group, including hosts that are not in this run."""
    groups = {} if inventory is None else inventory.graph.groups
    return {name: group.all_hosts() for name, group in groups.items()}
