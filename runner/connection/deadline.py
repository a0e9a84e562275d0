"""Deadlines that hold whatever the peer does.

Paramiko's own timeouts do not cover a peer that stops in mid-exchange: an exec request that is never
answered blocks for ever (paramiko issues #1815, #2618), `channel.settimeout` is per read. So every step that
may block runs under a `Guard`: when its time is over, one watchdog thread of the process closes the socket,
which wakes whoever waits on it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Deadline", "Guard", "abort", "forget"]

_GRACE_S = 0.5


@dataclass(frozen=True, slots=True)
class Deadline:
    """What bounds the work on one host: a moment on the monotonic clock, and the end of its run.

    Attributes:
        at: The moment; None is never.
        run: Id of the run, which `abort` stops.
    """

    at: float | None = None
    run: str = ""

    @classmethod
    def after(cls, seconds: float | None, run: str = "") -> Deadline:
        """Return the moment `seconds` from now."""
        return cls(None if seconds is None else time.monotonic() + seconds, run)

    def remaining(self) -> float | None:
        """Return the seconds left, never below 0; None where there is no end."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def sooner(self, seconds: float | None) -> tuple[float | None, bool]:
        """Return how long a step of at most `seconds` may take, and whether this deadline bounds it."""
        left = self.remaining()
        if left is None or (seconds is not None and seconds < left):
            return seconds, False
        return left, True

    def guard(
        self, seconds: float | None, close: Callable[[], None], ask: Callable[[], None] | None = None
    ) -> AbstractContextManager[Guard]:
        """Return a context in which `close` is called after `seconds`, or when the run is aborted.

        Args:
            seconds: From now; None is never.
            close: Wakes whoever waits; it is called from another thread and must not block.
            ask: Called instead when the run is aborted, for a step that can end in good order; `close`
                follows where it has not ended half a second later.
        """
        return _watchdog.guard(self.run, seconds, Guard(close, ask))

    def stopped(self) -> bool:
        """Whether the run has been aborted."""
        return _watchdog.stop_of(self.run).is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the abortion of the run."""
        _watchdog.stop_of(self.run).wait(seconds)


@dataclass(slots=True)
class Guard:
    """One watched step.

    Attributes:
        expired: Whether the time ran out and the socket was closed for it.
        aborted: Whether it was closed because the whole run is being stopped.
    """

    close: Callable[[], None]
    ask: Callable[[], None] | None = None
    expired: bool = False
    aborted: bool = False
    _done: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def finish(self) -> None:
        """Say that the step has ended: nothing is closed for it any more."""
        with self._lock:
            self._done = True

    def fire(self) -> None:
        """Close what the step waits on, unless it has ended."""
        with self._lock:
            if self._done:
                return
            self._done = True
            self.expired = not self.aborted
        self.close()

    def abort(self) -> None:
        """End the step because its run is being stopped: at once, or in good order where it can."""
        with self._lock:
            if self._done or self.aborted:
                return
            self.aborted = True
        if self.ask is None:
            self.fire()
        else:
            self.ask()


class _Watchdog:
    """One daemon thread with a heap of guards; started with the first guard."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Guard]] = []
        self._active: dict[int, tuple[str, Guard]] = {}
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stops: dict[str, threading.Event] = {}

    @contextmanager
    def guard(self, run: str, seconds: float | None, watched: Guard) -> Iterator[Guard]:
        with self._changed:
            number = next(self._order)
            self._active[number] = run, watched
            if seconds is not None:
                self._schedule(time.monotonic() + seconds, number, watched)
        if self.stop_of(run).is_set():
            self._end(number, watched)
        try:
            yield watched
        finally:
            watched.finish()
            with self._changed:
                del self._active[number]

    def _schedule(self, when: float, number: int, watched: Guard) -> None:
        heapq.heappush(self._heap, (when, number, watched))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="runner-watchdog", daemon=True)
            self._thread.start()
        elif self._heap[0][2] is watched:
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                due = self._pop_due()
            if due is not None:
                with suppress(Exception):  # one host's socket that cannot be closed is no other host's matter
                    due.fire()

    def _pop_due(self) -> Guard | None:
        """Wait for the first guard's moment or a change; return the guard that is due, if one is."""
        while self._heap and self._heap[0][1] not in self._active:
            heapq.heappop(self._heap)
        if not self._heap:
            self._changed.wait()
            return None
        left = self._heap[0][0] - time.monotonic()
        if left > 0:
            self._changed.wait(left)
            return None
        return heapq.heappop(self._heap)[2]

    def stop_of(self, run: str) -> threading.Event:
        with self._changed:
            return self._stops.setdefault(run, threading.Event())

    def abort(self, run: str) -> None:
        self.stop_of(run).set()
        with self._changed:
            guards = [(number, watched) for number, (of, watched) in self._active.items() if of == run]
        for number, watched in guards:
            self._end(number, watched)

    def _end(self, number: int, watched: Guard) -> None:
        with self._changed:
            if watched.ask is not None and number in self._active:
                self._schedule(time.monotonic() + _GRACE_S, number, watched)
        watched.abort()

    def forget(self, run: str) -> None:
        with self._changed:
            self._stops.pop(run, None)


_watchdog = _Watchdog()


def abort(run: str) -> None:
    """Close, in this process, everything that any step of a run waits on, now and from now on."""
    _watchdog.abort(run)


def forget(run: str) -> None:
    """Say that a run has ended and nothing of it is left in this process."""
    _watchdog.forget(run)
