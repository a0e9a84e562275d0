"""From a stream of results to what the operator sees and the shell gets: reports, signals, exit code."""

from __future__ import annotations

import getpass
import logging
import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from runner import report, runs
from runner.models import Host, HostResult, Secret, Status
from runner.names import fold
from runner.report.files import OutputFolder
from runner.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import FrameType

    from runner.fanout import Control
    from runner.history import Record, Recorder
    from runner.models import Run
    from runner.report import Reporter
    from runner.settings import Settings

__all__ = ["Interruption", "prepare", "present", "say", "show", "write"]

logger = logging.getLogger("runner")


def say(text: str) -> None:
    """Tell the operator something that is no result: on stderr, as one safe line."""


def write(texts: Iterable[str]) -> None:
    """Write a task's result to stdout, for as long as somebody reads."""
    _tolerant_stdout()
    try:
        for text in texts:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_stdout()


def prepare(settings: Settings) -> Settings:
    """Do what has to be done once, before any host is touched: ask for the password, warn, show warnings."""
    if not logger.handlers:
        logger.addHandler(_Warnings())
    logger.setLevel(logging.ERROR if settings.quiet else logging.WARNING)
    if settings.host_key_policy == "off" and not settings.quiet:
        say("warning: host keys are not checked (--host-key-policy off): anybody may be listening")
    if settings.ask_pass:
        password = Secret(getpass.getpass("SSH password: ", sys.stderr))
        return replace(settings, password=password, given=settings.given | {"password"})
    return settings


class _Warnings(logging.Handler):
    """Warnings of our own parts as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.levelname.lower()}: {record.getMessage()}")


class Interruption:
    """What signals ask for: the first Ctrl-C to start no more hosts, the second and SIGTERM to end."""

    def __init__(self, control: Control | None = None) -> None:
        self.exit_code: int | None = None
        self.running: set[str] = set()
        self._control = control

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM while the context lasts."""
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's shape
        again = self.exit_code is not None
        self.exit_code = 128 + number
        if self._control is None:
            raise KeyboardInterrupt
        if number == signal.SIGTERM or again:
            self._control.abort()
        else:
            self._control.stop()
            say("stopping: hosts that are running may finish; Ctrl-C again ends them")


def present(
    run: Run,
    hosts: Sequence[Host],
    results: Iterable[HostResult],
    settings: Settings,
    interruption: Interruption,
    recorder: Recorder | None = None,
) -> int:
    """Report results as they come, then all of them; return the exit code.

    Raises:
        UsageError: The format is not known or the output folder cannot be used.
    """
    _tolerant_stdout()
    reporter: Reporter = report.create(settings.format, sys.stdout, _options(settings))
    folder = None if settings.output_dir is None else OutputFolder(settings.output_dir)
    guarded = _Output(reporter)
    seen: list[HostResult] = []
    with interruption.handled():
        guarded.call("start", run)
        try:
            for result in results:
                seen.append(result)
                _keep(recorder, folder, result)
                guarded.call("result", result)
        except KeyboardInterrupt:
            for result in _cancelled(hosts, seen):
                seen.append(result)
                _keep(recorder, folder, result)
                guarded.call("result", result)
        everything = Results(seen, runs.end(run), hosts)
        if recorder is not None:
            recorder.finish()
        guarded.call("finish", everything)
    _warn(everything, settings)
    guarded.flush()
    return everything.exit_code if interruption.exit_code is None else interruption.exit_code


def show(record: Record, settings: Settings) -> int:
    """Report a run of the history as it was reported then; return its exit code.

    Raises:
        UsageError: The format is not known.
    """
    _tolerant_stdout()
    guarded = _Output(report.create(settings.format, sys.stdout, _options(settings)))
    everything = Results(record.results.values(), record.run, [Host(name) for name in record.hosts])
    guarded.call("start", record.run)
    for result in everything.values():
        guarded.call("result", result)
    guarded.call("finish", everything)
    guarded.flush()
    return everything.exit_code


def _cancelled(hosts: Sequence[Host], seen: Sequence[HostResult]) -> list[HostResult]:
    known = {result.host for result in seen}
    return [
        HostResult(host.name, Status.CANCELLED, reason="stopped", error="the run was stopped")
        for host in hosts
        if host.name not in known
    ]


def _keep(recorder: Recorder | None, folder: OutputFolder | None, result: HostResult) -> None:
    """Put a result where it outlasts the program; only then is it shown."""
    if recorder is not None:
        recorder.add(result)
    if folder is None:
        return
    try:
        folder.write(result)
    except OSError as exc:
        logger.warning("the output of %s was not written: %s", result.host, exc.strerror or exc)


def _warn(results: Results, settings: Settings) -> None:
    """Say at the end, next to the prompt, which hosts may have been left half done."""
    if settings.quiet:
        return
    doubtful = [result.host for result in results.values() if result.status is Status.LOST]
    if doubtful:
        say(f"what the command did is not known on: {fold(doubtful)}")


def _options(settings: Settings) -> report.ReportOptions:
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    colour = terminal and not os.environ.get("NO_COLOR")
    return report.ReportOptions(colour=colour, verbose=settings.verbose)


def _tolerant_stdout() -> None:
    """Let a character that the terminal's encoding lacks be shown as a mark instead of ending the run."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


class _Output:
    """A reporter whose reader may go away (`| head`): the run goes on, and keeps its exit code."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter: Reporter | None = reporter

    def call(self, event: str, value: Run | HostResult | Results) -> None:
        """Pass an event on, for as long as somebody reads."""
        if self._reporter is None:
            return
        try:
            getattr(self._reporter, event)(value)
        except BrokenPipeError:
            self._leave()

    def flush(self) -> None:
        """Write what is held back."""
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> None:
        self._reporter = None
        _leave_stdout()


def _leave_stdout() -> None:
    """Let what is still written to stdout go nowhere, so that its end raises nothing."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
