"""Progress that a background thread shows at intervals, and its form for logs."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from runner.report.terminal import visible_line
from runner.text.hostlist import fold

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from threading import RLock
    from typing import TextIO

    from runner.models import HostResult
    from runner.report.progress.state import RunState, View

__all__ = ["LinesProgress", "PeriodicProgress", "line", "names", "pace", "span"]

_FIRST_LINE_S = 10.0
"""Seconds until the first line in a log: a shorter run needs none."""
_LATER = 20
"""A line is written after another twentieth of the run's time so far, so that long runs get fewer lines."""
_MOST_NAMED = 100
"""For more hosts than this, only their number is shown: folding thousands of names repeatedly is slow."""
_MINUTE = 60
_TEN = 10


def names(view: View) -> str:
    """Return the hosts that are at work, as one safe line."""
    few = len(view.running) <= _MOST_NAMED
    return visible_line(fold(view.running)) if few else f"{len(view.running)} hosts"


def span(seconds: float) -> str:
    """Return a duration as text: `8 s`, `2 min`, `1 h 5 min`."""
    whole = round(seconds)
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    minutes = round(seconds / _MINUTE)
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def pace(rate: float) -> str:
    """Return the rate in hosts per second, as text."""
    return f"{rate:.0f}/s" if rate >= _TEN else f"{rate:.2g}/s"


def line(view: View) -> str:
    """Return the state of a run as one line for a log."""
    counts = ", ".join(f"{count} {status}" for status, count in view.counts.items())
    parts = [
        f"{view.done}/{view.total} hosts after {span(view.elapsed_s)}" + (f": {counts}" if counts else "")
    ]
    if view.rate is not None and view.left_s is not None:
        parts.append(f"{pace(view.rate)}, about {span(view.left_s)} left")
    if view.running:
        parts.append(f"{view.doing} {names(view)}")
    return "; ".join(parts)


class _Aside:
    """A context that keeps the progress off the terminal; one object is reused for every result."""

    def __init__(self, lock: RLock, clear: Callable[[], None]) -> None:
        self._lock = lock
        self._clear = clear

    def __enter__(self) -> None:
        self._lock.acquire()
        try:
            self._clear()
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_exc: object) -> None:
        self._lock.release()


class PeriodicProgress:
    """Progress that a background thread shows at intervals until it is closed.

    Args:
        standing: The state of the run.
        first_s: Seconds until it is shown for the first time; a shorter run shows none.
    """

    def __init__(self, state: RunState, first_s: float) -> None:
        self._state = state
        self._first_s = first_s
        # Reentrant: a signal handler may print a message while its own thread holds the lock.
        self._lock = threading.RLock()
        self._aside = _Aside(self._lock, self._clear)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_showing, name="runner-progress", daemon=True)
        self._thread.start()

    def result(self, result: HostResult) -> None:
        """Count a host's result."""
        with self._lock:
            self._state.add(result)

    def aside(self) -> AbstractContextManager[None]:
        """Take the progress off the terminal inside the context, so that other code can write to it."""
        return self._aside

    def close(self) -> None:
        """Stop the thread and remove the progress from the terminal."""
        self._closed.set()
        self._thread.join()
        with self._lock:
            self._clear()

    def _keep_showing(self) -> None:
        pause = self._first_s
        while not self._closed.wait(pause):
            self._prepare()
            with self._lock:
                if not self._closed.is_set():
                    view = self._state.view()
                    # A signal handler may have interrupted a write to the same stream: a RuntimeError.
                    with suppress(OSError, ValueError, RuntimeError):
                        self._show(view)
                    pause = self._pause(view)

    def _prepare(self) -> None:
        """Do slow preparations before taking the lock."""

    def _show(self, view: View) -> None:
        """Show the progress."""
        raise NotImplementedError

    def _pause(self, view: View) -> float:
        """Return the seconds until the progress is shown again."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Remove the progress from the terminal, if that is possible."""


class LinesProgress(PeriodicProgress):
    """A line now and then, for the log of a run that takes long."""

    def __init__(self, stream: TextIO, state: RunState, first_s: float = _FIRST_LINE_S) -> None:
        self._stream = stream
        super().__init__(state, first_s)

    def _show(self, view: View) -> None:
        self._stream.write(line(view) + "\n")
        self._stream.flush()

    def _pause(self, view: View) -> float:
        return max(self._first_s, view.elapsed_s / _LATER)
