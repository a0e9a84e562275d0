"""Write results to stdout, and go on quietly if the reader closes the pipe."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.report.messages import leave, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.models import HostResult, Run
    from runner.report import Reporter
    from runner.results.results import Summary

__all__ = ["Output", "colour_wanted", "columns", "on_terminal", "tolerant_stdout", "write", "written"]


class Output:
    """A reporter whose reader may close the pipe (`| head`): the run goes on and keeps its exit code.

    The run also goes on if results cannot be written or the reporter fails, but then an error is printed and
    the exit code is not 0.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter: Reporter | None = reporter
        self.silent: bool = getattr(reporter, "silent", False)
        """Whether the reporter writes nothing before the end."""
        self._stdout = sys.stdout
        self._failed = False

    def call(self, event: str, value: Run | HostResult | Summary) -> None:
        """Pass an event on to the reporter, until stdout is closed or the reporter fails."""
        if self._reporter is None:
            return
        try:
            getattr(self._reporter, event)(value)
        except OSError as exc:
            self._leave(exc)
        except Exception as exc:  # noqa: BLE001 - a failing third-party reporter must not stop the run
            self._reporter = None
            self._no_longer_shown(f"the reporter failed: {type(exc).__name__}: {exc}")

    def flush(self) -> None:
        """Flush stdout."""
        try:
            self._stdout.flush()
        except OSError as exc:
            self._leave(exc)

    def exit_code(self, code: int) -> int:
        """Return the run's exit code; 1 instead of 0 if some results were not written."""
        return code or int(self._failed)

    def _leave(self, exc: OSError) -> None:
        self._reporter = None
        leave(self._stdout)
        if not isinstance(exc, BrokenPipeError):
            self._no_longer_shown(f"stdout: {exc.strerror or exc}")

    def _no_longer_shown(self, why: str) -> None:
        self.fail(f"results are no longer shown, the run goes on: {why}")

    def fail(self, text: str) -> None:
        """Print an error and make the exit code non-zero: some results were not written."""
        self._failed = True
        say(f"error: {text}")


def write(texts: Iterable[str]) -> bool:
    """Write a task's result to stdout; return false if the reader has closed the pipe.

    Raises:
        UsageError: stdout cannot be written, for example because the disk is full.
    """

    def every() -> None:
        for text in texts:
            sys.stdout.write(text)

    return written(every)


def written(writing: Callable[[], object]) -> bool:
    """Call a function that writes to stdout; return false if the reader has closed the pipe.

    Raises:
        UsageError: stdout cannot be written, for example because the disk is full.
    """
    tolerant_stdout()
    try:
        try:
            writing()
        finally:
            sys.stdout.flush()
    except OSError as exc:
        leave(sys.stdout)
        if not isinstance(exc, BrokenPipeError):
            raise UsageError(f"stdout: {exc.strerror or exc}") from exc
        return False
    return True


def tolerant_stdout() -> None:
    """Keep the run going if stdout is closed or its encoding lacks a character."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - stays open until the program ends
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def colour_wanted() -> bool:
    """Return whether to use colours: on a terminal or if forced (no-color.org, force-color.org)."""
    forced = bool(os.environ.get("FORCE_COLOR"))
    return (on_terminal() or forced) and not os.environ.get("NO_COLOR")


def on_terminal() -> bool:
    """Return whether stdout is a terminal that understands control sequences."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """Return the terminal's columns; None if they are not known."""
    with suppress(OSError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    return None
