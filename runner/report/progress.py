"""How far a run has come, on stderr: redrawn in place on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from runner.names import fold
from runner.report.standing import Standing
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from runner.models import HostResult
    from runner.report.standing import View

__all__ = ["LinesProgress", "NoProgress", "Progress", "create", "line", "names", "pace", "span"]

_FIRST_LINE_S = 10.0
"""A run that is over sooner needs no line in a log."""
_LATER = 20
"""A long run has fewer lines: the next comes when so many hundredths of its time have passed again."""
_MOST_NAMED = 100
"""More hosts than this are told by their number: folding thousands several times a second is work."""
_MINUTE = 60
_TEN = 10


class Progress(Protocol):
    """An observer of a run that may own a part of the terminal."""

    def result(self, result: HostResult) -> None:
        """Take in that a host has its result."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Give the terminal to somebody else while the context lasts."""

    def close(self) -> None:
        """Leave no trace."""


class NoProgress:
    """Shows nothing."""

    def result(self, result: HostResult) -> None:
        """Show nothing."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Own nothing that would have to be given away."""
        yield

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
    standing = Standing(total, running, doing=doing)
    if not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return LinesProgress(stream, standing)
    from runner.report.live import LiveProgress  # noqa: PLC0415 - on terminals only

    return LiveProgress(stream, standing)


def names(view: View) -> str:
    """Return who is at work, as one safe line."""
    few = len(view.running) <= _MOST_NAMED
    return visible_line(fold(view.running)) if few else f"{len(view.running)} hosts"


def span(seconds: float) -> str:
    """Return a time as people read it: `8 s`, `2 min`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    minutes = round(seconds / _MINUTE)
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def pace(rate: float) -> str:
    """Return how many hosts end a second, as people read it."""
    return f"{rate:.0f}/s" if rate >= _TEN else f"{rate:.2g}/s"


def line(view: View) -> str:
    """Return how a run stands, for a log."""
    counts = ", ".join(f"{count} {status}" for status, count in view.counts.items())
    parts = [
        f"{view.done}/{view.total} hosts after {span(view.elapsed_s)}" + (f": {counts}" if counts else "")
    ]
    if view.rate is not None and view.left_s is not None:
        parts.append(f"{pace(view.rate)}, about {span(view.left_s)} left")
    if view.running:
        parts.append(f"{view.doing} {names(view)}")
    return "; ".join(parts)


class LinesProgress:
    """A line now and then, for the log of a run that takes long."""

    def __init__(self, stream: TextIO, standing: Standing, first_s: float = _FIRST_LINE_S) -> None:
        self._stream = stream
        self._standing = standing
        self._pause = first_s
        # A signal handler may say something while its own thread holds the lock.
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name="runner-progress", daemon=True)
        self._thread.start()

    def result(self, result: HostResult) -> None:
        """Count a host's result."""
        with self._lock:
            self._standing.add(result)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Write no line while the context lasts."""
        with self._lock:
            yield

    def close(self) -> None:
        """Write no more lines."""
        self._closed.set()
        self._thread.join()

    def _keep_writing(self) -> None:
        pause = self._pause
        while not self._closed.wait(pause):
            with self._lock:
                view = self._standing.view()
                # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
                with suppress(OSError, ValueError, RuntimeError):
                    self._stream.write(line(view) + "\n")
                    self._stream.flush()
            pause = max(self._pause, view.elapsed_s / _LATER)
