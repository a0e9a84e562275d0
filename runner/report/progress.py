"""How far a run has come, on stderr: redrawn in place on a terminal, a line now and then elsewhere."""

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
        """Take in that a host has its result."""

    def aside(self) -> AbstractContextManager[None]:
        """Give the terminal to somebody else while the context lasts."""

    def close(self) -> None:
        """Leave no trace."""


class NoProgress:
    """Shows nothing."""

    def result(self, result: HostResult) -> None:
        """Show nothing."""

    def aside(self) -> AbstractContextManager[None]:
        """Own nothing that would have to be given away."""
        return nullcontext()

    def close(self) -> None:
        """Leave nothing."""


def create(
    stream: TextIO | None,
    total: int,
    running: Callable[[], Sequence[str]],
    *,
    wanted: bool,
    doing: str = "running",
) -> Progress:
    """Return what shows progress on a stream, as the stream can take it.

    Args:
        stream: Where to; None where the program was started with it closed.
        total: How many hosts there are.
        running: Tells which of them are at work, or waited for.
        wanted: False for `--quiet`.
        doing: Which of these two it is: `running` or `waiting for`.
    """
    if not wanted or stream is None:
        return NoProgress()
    from runner.report.standing import Standing  # noqa: PLC0415 - whoever only says something shows none

    standing = Standing(total, running, doing=doing)
    if not _redrawable(stream):
        from runner.report.periodic import LinesProgress  # noqa: PLC0415

        return LinesProgress(stream, standing)
    from runner.report.live import LiveProgress  # noqa: PLC0415 - on terminals only

    return LiveProgress(stream, standing)


def _redrawable(stream: TextIO) -> bool:
    """Tell whether lines can be redrawn in place, in the characters that they are drawn with."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return stream.isatty() and encoding == "utf8" and os.environ.get("TERM", "dumb") != "dumb"
