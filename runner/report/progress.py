"""One line on the operator's terminal that says how far a run has come; nothing where there is none."""

from __future__ import annotations

import os
import threading
import unicodedata
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from runner.names import fold
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from runner.models import HostResult, Status

__all__ = ["NoProgress", "Progress", "ProgressLine", "create", "line"]

_FIRST_S = 0.4
"""A run that is over sooner needs no progress line."""
_EVERY_S = 0.2
_MOST_NAMED = 100
"""More hosts than this are told by their number: folding thousands five times a second is work."""
_CLEAR = "\r\x1b[K"


class Progress(Protocol):
    """An observer of a run that may own a line of the terminal."""

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
    stream: TextIO | None, total: int, running: Callable[[], Sequence[str]], *, wanted: bool
) -> Progress:
    """Return a progress line where it is wanted and the stream is a terminal that can rewrite a line.

    Args:
        stream: Where to; None where the program was started with it closed.
        total: How many hosts there are.
        running: Tells which of them are at work.
        wanted: False for `--quiet`.
    """
    if not wanted or stream is None or not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return NoProgress()
    return ProgressLine(stream, total, running)


def line(total: int, counts: Counter[Status], running: Sequence[str], width: int) -> str:
    """Return the line: done of all, counts by status, who is still at work; never wider than the terminal."""
    parts = [f"{counts.total()}/{total}"]
    parts += [f"{number} {status}" for status, number in sorted(counts.items())]
    if running:
        names = fold(running) if len(running) <= _MOST_NAMED else f"{len(running)} hosts"
        parts.append(f"running: {names}")
    text = visible_line("  ".join(parts))
    # The last column stays free: some terminals wrap when it is written to.
    return text if _columns(text) < width else _cut(text, width - 2) + "…"


def _columns(text: str) -> int:
    """Return how many columns a text takes, where East Asian characters take two (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str, columns: int) -> str:
    """Return as much of a text as these columns hold."""
    end = min(len(text), max(0, columns))
    while end and _columns(text[:end]) > columns:
        end -= 1
    return text[:end]


class ProgressLine:
    """A line that is rewritten in place, a few times a second, by a thread of its own."""

    def __init__(self, stream: TextIO, total: int, running: Callable[[], Sequence[str]]) -> None:
        self._stream = stream
        self._total = total
        self._running = running
        self._counts: Counter[Status] = Counter()
        # A signal handler may say something while its own thread holds the lock.
        self._lock = threading.RLock()
        self._shown = ""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, name="runner-progress", daemon=True)
        self._thread.start()

    def result(self, result: HostResult) -> None:
        """Count a host's result."""
        with self._lock:
            self._counts[result.status] += 1

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the line away while the context lasts."""
        with self._lock:
            before = self._shown
            self._write("")
            yield
            self._write(before)

    def close(self) -> None:
        """Take the line away for good."""
        self._closed.set()
        self._thread.join()
        with self._lock:
            self._write("")

    def _keep_drawing(self) -> None:
        pause = _FIRST_S
        while not self._closed.wait(pause):
            pause = _EVERY_S
            with self._lock:
                if not self._closed.is_set():
                    self._write(line(self._total, self._counts, self._running(), self._width()))

    def _write(self, text: str) -> None:
        if text == self._shown:
            return
        # A signal handler may have interrupted a write to the same stream, which raises RuntimeError.
        with suppress(OSError, ValueError, RuntimeError):
            self._stream.write(f"{_CLEAR}{text}")
            self._stream.flush()
        self._shown = text

    def _width(self) -> int:
        with suppress(OSError, ValueError):
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        return 80
