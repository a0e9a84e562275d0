"""From a stream of results to what the operator sees and the shell gets: reports, history, exit code."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import closing, redirect_stdout, suppress
from typing import TYPE_CHECKING

from runner import report
from runner.models import Host, HostResult, Status
from runner.names import fold
from runner.report import progress
from runner.report.arranged import Arranged
from runner.report.files import OutputFolder
from runner.results import Summary
from runner.tasks.doubts import check_spilling, missing_files, passed_over
from runner.tasks.earlier import KEPT
from runner.tasks.output import Output, tolerant_stdout
from runner.tasks.settings import say_settings
from runner.tasks.voice import Beside, Warnings, ask, say, speaking_around

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Sequence
    from typing import TextIO

    from runner.history import Record
    from runner.inventory import Inventory
    from runner.models import Run
    from runner.report import Reporter
    from runner.report.progress import Progress
    from runner.settings import Settings
    from runner.tasks.interruption import Interruption
    from runner.tasks.recording import Recording

__all__ = ["arranged", "colour_wanted", "prepare", "present", "reporter_of", "show"]

logger = logging.getLogger("runner")


def prepare(settings: Settings) -> Settings:
    """Do what has to be done once, before any host is touched: ask for the password, warn, show warnings."""
    if not logger.handlers:
        logger.addHandler(Warnings())
    logger.setLevel(logging.ERROR if settings.quiet else logging.WARNING)
    if settings.verbose and not settings.quiet:
        say_settings(settings)
    check_spilling(settings)
    for line in (*missing_files(settings), *passed_over()):
        logger.warning("%s", line)
    if settings.ask_pass:
        settings = settings.answered("password", ask("SSH password"))
    if settings.ask_become_pass:
        settings = settings.answered("become_password", ask("Password of --become"))
    return settings


def present(  # noqa: PLR0913 - a run, its stream, and what is done with it
    run: Run,
    hosts: Sequence[Host],
    results: Generator[HostResult, None, None],
    settings: Settings,
    interruption: Interruption,
    *,
    recording: Recording,
    reporter: Reporter | None = None,
    inventory: Inventory | None = None,
) -> int:
    """Report results as they come, then how all ended; return the exit code.

    Raises:
        UsageError: The format is not known or the output folder cannot be used.
    """
    tolerant_stdout()
    output = Output(reporter or reporter_of(settings, hosts, lambda: inventory))
    folder = None
    if settings.output_dir is not None:
        folder = OutputFolder(settings.output_dir, run, [host.name for host in hosts])
    presentation = _Presentation(hosts, output, folder, recording, interruption)
    with interruption.handled():
        # What a job prints is no result. Reporters have their stream already.
        with (
            redirect_stdout(Beside()),
            speaking_around(presentation.progress(wanted=_progress_wanted(settings))) as line,
        ):
            presentation.follow(run, results, line)
            recording.finish()  # what still waits to be written is shown after that
        summary = presentation.summary(run.ended())
        output.call("finish", summary)
        presentation.finish_folder()
    presentation.warn(settings)
    output.flush()
    return output.exit_code(summary.exit_code if interruption.exit_code is None else interruption.exit_code)


class _Presentation:
    """The results of one run, on their way to whoever keeps and reads them; only their number stays here."""

    def __init__(
        self,
        hosts: Sequence[Host],
        output: Output,
        folder: OutputFolder | None,
        recording: Recording,
        interruption: Interruption,
    ) -> None:
        self._counts = dict.fromkeys(Status, 0)
        self._doubtful: list[str] = []
        self._left = {host.name: None for host in hosts}
        self._output = output
        self._folder = folder
        self._unwritten: list[str] = []
        self._why_unwritten = ""
        self._recording = recording
        self._interruption = interruption

    def progress(self, *, wanted: bool) -> Progress:
        """Return the progress of this run."""
        at_work = self._interruption.controls
        return progress.create(
            sys.stderr,
            len(self._left),
            (lambda: self._interruption.running) if at_work else (lambda: tuple(self._left)),
            wanted=wanted,
            doing="running" if at_work else "waiting for",
        )

    def follow(self, run: Run, results: Generator[HostResult, None, None], line: Progress) -> None:
        """Pass every result on as it comes; where the operator waits no longer, say so of the hosts left."""

        def show(result: HostResult) -> None:
            self._show(result, line)

        self._output.call("start", run)
        try:
            with closing(results):
                for result in results:
                    self._take(result, show)
        except KeyboardInterrupt:
            running = set(self._interruption.running)
            for name in tuple(self._left):
                text = "the run was stopped" + (", what was done is not known" if name in running else "")
                result = HostResult(
                    name, Status.CANCELLED, reason="stopped", error=text, sent=name in running
                )
                self._take(result, show)

    def summary(self, run: Run) -> Summary:
        """Return how the run ended."""
        return Summary(run, self._counts)

    def finish_folder(self) -> None:
        """Write the list of failed hosts; say what of the output folder could not be written."""
        if self._folder is None:
            return
        try:
            if not self._unwritten:
                self._folder.finish()
        except OSError as exc:
            self._output.fail(f"the list of failed hosts was not written: {exc.strerror or exc}")
        if self._unwritten:
            hosts = fold(self._unwritten)
            self._output.fail(f"the output was not written of {hosts}: {self._why_unwritten}")

    def warn(self, settings: Settings) -> None:
        """Say at the end, next to the prompt, which hosts may have been left half done."""
        if self._doubtful and not settings.quiet:
            say(f"what the command did is not known on: {fold(self._doubtful)}")

    def _take(self, result: HostResult, show: Callable[[HostResult], None]) -> None:
        self._counts[result.status] += 1
        self._left.pop(result.host, None)
        if _in_doubt(result):
            self._doubtful.append(result.host)
        # Only what outlasts the program is shown, and that is the history's to know.
        self._recording.add(result, show)

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
    """Report a run of the history as it was reported then; return its exit code.

    Args:
        record: The run.
        settings: How it is shown.
        groups: Loads the inventory by whose groups hosts are named; None where there is none.

    Raises:
        UsageError: The format is not known.
    """
    tolerant_stdout()
    hosts = [Host(name) for name in record.hosts]
    output = Output(reporter_of(settings, hosts, groups))
    counts = dict.fromkeys(Status, 0)
    output.call("start", record.run)
    for name in record.hosts:
        result = record.result(name)
        counts[result.status] += 1
        output.call("result", result)
    summary = Summary(record.run, counts)
    output.call("finish", summary)
    output.flush()
    return output.exit_code(summary.exit_code)


def _progress_wanted(settings: Settings) -> bool:
    """Whether a line may be redrawn: not while somebody may be debugging a job in this very terminal."""
    return not settings.quiet and settings.executor != "serial"


def _in_doubt(result: HostResult) -> bool:
    return result.status is Status.LOST or (result.status is Status.CANCELLED and result.sent)


def reporter_of(
    settings: Settings,
    hosts: Sequence[Host],
    inventory: Callable[[], Inventory | None],
    stream: TextIO | None = None,
) -> Reporter:
    """Return what shows the results as the flags ask for it.

    Args:
        settings: The flags.
        hosts: The hosts that there will be results of.
        inventory: Gives where they are from, for the names of groups; None where that is not known.
        stream: Where it writes; None is stdout.

    Raises:
        UsageError: The format is not known, or a flag does not fit it.
    """
    given = [flag for flag in report.FLAGS if flag in settings.given]
    reporter = report.create(
        settings.format, stream or sys.stdout, _options(settings, hosts, inventory), given
    )
    return arranged(reporter, hosts, settings)


def arranged(reporter: Reporter, hosts: Sequence[Host], settings: Settings) -> Reporter:
    """Return a reporter that gets the results that `--only` names, in the order that `--sort` says."""
    places = {host.name: place for place, host in enumerate(hosts)}
    return Arranged(reporter, places, frozenset(settings.only), settings.sort)


def _options(
    settings: Settings, hosts: Sequence[Host], inventory: Callable[[], Inventory | None]
) -> report.ReportOptions:
    return report.ReportOptions(
        colour=colour_wanted(),
        verbose=settings.verbose,
        width=_width() if _on_terminal() else None,
        hosts=hosts,
        groups=lambda: _members(inventory()),
        diff=settings.diff,
        ignore=settings.ignore,
        prefix=settings.prefix,
        raw=settings.raw,
    )


def colour_wanted() -> bool:
    """Return whether stdout takes colours, or is said to (no-color.org, force-color.org)."""
    forced = bool(os.environ.get("FORCE_COLOR"))
    return (_on_terminal() or forced) and not os.environ.get("NO_COLOR")


def _on_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _width() -> int | None:
    """Return the terminal's columns; None where it does not tell."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    return None


def _members(inventory: Inventory | None) -> dict[str, Collection[str]]:
    """Return the hosts of each group, those that this run is not about included."""
    if inventory is None:
        return {}
    return {name: group.all_hosts() for name, group in inventory.graph.groups.items()}
