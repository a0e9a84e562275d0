"""Deadlines that hold whatever the peer does.

Paramiko's own timeouts do not cover a peer that stops in mid-exchange: an exec request that is never
answered blocks for ever (paramiko issues #1815, #2618), `channel.settimeout` is per read. So every step that
may block runs under a `Guard`: when its time is over, one watchdog thread of the process closes the socket,
which wakes whoever waits on it. What is to be done at some moment and takes longer is an errand, for which
there is another thread.

A peer has not been silent where its answer has come and nobody here has got round to reading it: a thousand
logins at once on two cores take longer than any of them. The watchdog is one thread among those that wait for
the interpreter, and knows by how much it woke late; a step that waits for a peer gets as much more time.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONGEST", "Deadline", "Guard", "abort", "forget"]

LONGEST = 3.0
"""How many times as long as it should a step may take at most, where this process is late."""

# How long a step may take to end in good order. Hundreds that end at once share one interpreter, on a machine
# that may be busy, and each has a remote command to tell of it first.
_GRACE_S = 1.0
_LOOK_S = 0.25
_PROMPT_S = 0.01  # no thread is woken sooner than it can be


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
        self,
        seconds: float | None,
        close: Callable[[], None],
        ask: Callable[[], None] | None = None,
        *,
        fair: bool = False,
    ) -> Guard:
        """Return a context in which `close` is called after `seconds`, or when the run is aborted.

        Args:
            seconds: From its beginning; None is never.
            close: Wakes whoever waits; it is called from another thread and must not block.
            ask: Called instead when the run is aborted, for a step that can end in good order; `close`
                follows where it has not ended a second later.
            fair: Whether time that this process was late by is none of the step's, up to `LONGEST`.
        """
        most_grace_s = (LONGEST - 1) * (seconds or 0) if fair else 0.0
        return Guard(self.run, seconds, close, ask, most_grace_s=most_grace_s)

    def errand(self, seconds: float, act: Callable[[], None]) -> Guard:
        """Return a context in which something is done after so many seconds, that may take a moment.

        It delays nobody's deadline, and the end of the run is no reason to do it.

        Args:
            seconds: From its beginning.
            act: What is done, in another thread.
        """
        return Guard("", seconds, act, watchdog=_errands)

    def stopped(self) -> bool:
        """Whether the run has been aborted."""
        return _watchdog.stop_of(self.run).is_set()

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the abortion of the run."""
        _watchdog.stop_of(self.run).wait(seconds)


@dataclass(slots=True, eq=False)
class Guard:
    """One watched step, which lasts as long as its context.

    Attributes:
        most_grace_s: How much more time it gets at most where the watchdog was late.
        late_s: By how much the watchdog had been late when its time was last set.
        expired: Whether the time ran out and the socket was closed for it.
        aborted: Whether it was closed because the whole run is being stopped.
    """

    run: str
    seconds: float | None
    close: Callable[[], None]
    ask: Callable[[], None] | None = None
    watchdog: _Watchdog | None = None
    most_grace_s: float = 0.0
    expired: bool = False
    aborted: bool = False
    late_s: float = 0.0
    _done: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        (self.watchdog or _watchdog).watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._done = True
            self.close, self.ask = _nothing, None  # until its moment has passed it keeps no host in memory
        (self.watchdog or _watchdog).leave(self)

    def fire(self) -> None:
        """Close what the step waits on, unless it has ended."""
        with self._lock:
            if self._done:
                return
            self._done = True
            self.expired = not self.aborted
            close = self.close
        close()

    def abort(self) -> None:
        """End the step because its run is being stopped: at once, or in good order where it can."""
        with self._lock:
            if self._done or self.aborted:
                return
            self.aborted = True
            ask = self.ask or self.fire
        ask()


def _nothing() -> None:
    """Close nothing."""


class _Watchdog:
    """One daemon thread with a heap of guards; started with the first guard."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Guard]] = []
        self._active: set[Guard] = set()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._looks_at = math.inf
        self._late_s = 0.0
        self._stops: dict[str, threading.Event] = {}

    def watch(self, watched: Guard) -> None:
        with self._lock:
            self._active.add(watched)
            watched.late_s = self._late_s
            if watched.seconds is not None:
                self._schedule(time.monotonic() + watched.seconds, watched)
        if self.stop_of(watched.run).is_set():
            self._end(watched)

    def leave(self, watched: Guard) -> None:
        with self._lock:
            self._active.discard(watched)

    def _schedule(self, when: float, watched: Guard) -> None:
        heapq.heappush(self._heap, (when, next(self._order), watched))
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._watch, name="runner-watchdog", daemon=True)
            self._thread.start()
        elif when < self._looks_at:
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._lock:
                due = self._pop_due()
            if due is not None:
                with suppress(Exception):  # one host's socket that cannot be closed is no other host's matter
                    due.fire()

    def _pop_due(self) -> Guard | None:
        """Wait for the first guard's moment or a change; return the guard that is due, if one is."""
        while self._heap and self._heap[0][2] not in self._active:
            heapq.heappop(self._heap)
        now = time.monotonic()
        if self._heap and self._heap[0][0] <= now:
            moment, _, due = heapq.heappop(self._heap)
            return None if self._postpone(due, moment, now) else due
        # To look now and then costs less than to be woken for each step of each host.
        left = min(_LOOK_S, self._heap[0][0] - now) if self._heap else None
        self._looks_at = math.inf if left is None else now + left
        self._changed.wait(left)
        self._late_s += max(0.0, time.monotonic() - self._looks_at - _PROMPT_S)
        return None

    def _postpone(self, due: Guard, moment: float, now: float) -> bool:
        """Give a step the time that this process was late by meanwhile; whether there was any."""
        late = max(self._late_s - due.late_s, now - moment - _PROMPT_S)
        grace = 0.0 if due.aborted else min(late, due.most_grace_s)
        if grace <= 0:
            return False
        due.late_s, due.most_grace_s = self._late_s, due.most_grace_s - grace
        heapq.heappush(self._heap, (now + grace, next(self._order), due))
        return True

    def stop_of(self, run: str) -> threading.Event:
        stop = self._stops.get(run)
        if stop is None:
            with self._lock:
                stop = self._stops.setdefault(run, threading.Event())
        return stop

    def abort(self, run: str) -> None:
        self.stop_of(run).set()
        with self._lock:
            guards = [watched for watched in self._active if watched.run == run]
        for watched in guards:
            self._end(watched)

    def _end(self, watched: Guard) -> None:
        with self._lock:
            if watched.ask is not None and watched in self._active:
                self._schedule(time.monotonic() + _GRACE_S, watched)
        watched.abort()

    def forget(self, run: str) -> None:
        with self._lock:
            self._stops.pop(run, None)


_watchdog = _Watchdog()
_errands = _Watchdog()


def abort(run: str) -> None:
    """Close, in this process, everything that any step of a run waits on, now and from now on."""
    _watchdog.abort(run)


def forget(run: str) -> None:
    """Say that a run has ended and nothing of it is left in this process."""
    _watchdog.forget(run)
