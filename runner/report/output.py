"""stdout: results, for as long as somebody reads them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.report.messages import leave, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.models import HostResult, Run
    from runner.report import Reporter
    from runner.results.results import Summary

__all__ = ["Output", "tolerant_stdout", "write", "written"]


class Output:
    """A reporter whose reader may go away (`| head`): the run goes on, and keeps its exit code.

    So it does where results cannot be written or the reporter fails; but that is said, and is no success.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter: Reporter | None = reporter
        self.silent: bool = getattr(reporter, "silent", False)
        """Whether it writes nothing before the end."""
        self._stdout = sys.stdout
        self._failed = False

    def call(self, event: str, value: Run | HostResult | Summary) -> None:
        """Pass an event on, for as long as somebody reads."""
        if self._reporter is None:
            return
        try:
            getattr(self._reporter, event)(value)
        except OSError as exc:
            self._leave(exc)
        except Exception as exc:  # noqa: BLE001 - a third party's reporter must not cost the hosts their run
            self._reporter = None
            self._no_longer_shown(f"the reporter failed: {type(exc).__name__}: {exc}")

    def flush(self) -> None:
        """Write what is held back."""
        try:
            self._stdout.flush()
        except OSError as exc:
            self._leave(exc)

    def exit_code(self, code: int) -> int:
        """Return the run's exit code; 1 in the place of 0 where its results were not all written."""
        return code or int(self._failed)

    def _leave(self, exc: OSError) -> None:
        self._reporter = None
        leave(self._stdout)
        if not isinstance(exc, BrokenPipeError):
            self._no_longer_shown(f"stdout: {exc.strerror or exc}")

    def _no_longer_shown(self, why: str) -> None:
        self.fail(f"results are no longer shown, the run goes on: {why}")

    def fail(self, text: str) -> None:
        """Say that results were not all written, which is no success."""
        self._failed = True
        say(f"error: {text}")


def write(texts: Iterable[str]) -> bool:
    """Write a task's result to stdout, for as long as somebody reads; tell whether somebody still does.

    Raises:
        UsageError: It cannot be written: the disk is full.
    """

    def every() -> None:
        for text in texts:
            sys.stdout.write(text)

    return written(every)


def written(writing: Callable[[], object]) -> bool:
    """Call what writes to stdout; tell whether somebody still reads.

    Raises:
        UsageError: It cannot be written: the disk is full.
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
    """Let neither a closed stdout nor a character that its encoding lacks end the run."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - it is open as long as the program runs
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
