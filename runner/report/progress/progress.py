"""Progress of a run on stderr: redrawn in place on a terminal, a line now and then in a log."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import TextIO

    from runner.models import HostResult

__all__ = ["NoProgress", "Progress", "create"]


class Progress(Protocol):
    """An observer of a run that may own a part of the terminal."""

    def result(self, result: HostResult) -> None:
        """Count a host's result."""

    def aside(self) -> AbstractContextManager[None]:
        """Take the progress off the terminal inside the context, so that other code can write to it."""

    def close(self) -> None:
        """Remove the progress from the terminal."""


class NoProgress:
    """A progress that shows nothing."""

    def result(self, result: HostResult) -> None:
        """Show nothing."""

    def aside(self) -> AbstractContextManager[None]:
        """Return an empty context: there is nothing to remove from the terminal."""
        return nullcontext()

    def close(self) -> None:
        """Do nothing: there is nothing to remove."""


def create(
    stream: TextIO | None,
    total: int,
    running: Callable[[], Sequence[str]],
    *,
    wanted: bool,
    doing: str = "running",
) -> Progress:
    """Return the kind of progress that a stream can show.

    Args:
        stream: The stream; None if the program was started with it closed.
        total: The number of hosts.
        running: Returns the hosts that are at work or waited for.
        wanted: False for `--quiet`.
        doing: What `running` returns: hosts that are `running`, or hosts the run is `waiting for`.
    """
    if not wanted or stream is None:
        return NoProgress()
    from runner.report.progress.state import RunState  # noqa: PLC0415 - not needed to print messages

    state = RunState(total, running, doing=doing)
    if not _redrawable(stream):
        from runner.report.progress.periodic import LinesProgress  # noqa: PLC0415

        return LinesProgress(stream, state)
    from runner.report.progress.live import LiveProgress  # noqa: PLC0415 - on terminals only

    return LiveProgress(stream, state)


def _redrawable(stream: TextIO) -> bool:
    """Return whether the terminal can redraw lines in place and show the characters of the bar (UTF-8)."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return stream.isatty() and encoding == "utf8" and os.environ.get("TERM", "dumb") != "dumb"
