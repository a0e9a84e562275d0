"""Deadlines that hold whatever the peer does.

Paramiko's own timeouts do not cover a peer that stops in mid-exchange: an exec request that is never
answered blocks for ever (paramiko issues #1815, #2618), `channel.settimeout` is per read. So every step that
may block runs under a `Guard`: when its time is over, one watchdog thread of the process closes the socket,
which wakes the thread that waits on it. Scheduled work that takes longer is an errand, for which there is
another thread.

A peer is not at fault if its reply is already in our buffer, unread: a thousand logins at once on two cores
take longer than a single one may. The watchdog competes for the interpreter like all threads that wait, and
measures by how much it woke late. A step that waits for a peer gets that much more time.
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
"""Timeouts are extended at most by this factor while this process, not the host, is the bottleneck."""

# How long a step may take to end cleanly. Hundreds may end at once in one interpreter, on a busy machine, and
# each first has to tell its remote command to end.
_GRACE_S = 1.0
_LOOK_S = 0.25
_PROMPT_S = 0.01  # a delay that even an idle machine may have when it wakes a thread


@dataclass(frozen=True, slots=True)
class Deadline:
    """The time limit for the work on one host: a moment on the monotonic clock, and the end of its run.

    Attributes:
        at: The moment; None means never.
        run: Id of the run, which `abort` stops.
    """

    at: float | None = None
    run: str = ""

    @classmethod
    def after(cls, seconds: float | None, run: str = "") -> Deadline:
        """Return the deadline that is `seconds` from now."""
        return cls(None if seconds is None else time.monotonic() + seconds, run)

    def remaining(self) -> float | None:
        """Return the seconds left, never below 0; None without a limit."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())

    def sooner(self, seconds: float | None) -> tuple[float | None, bool]:
        """Return how long a step of at most `seconds` may take, and whether this deadline limits it."""
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
            seconds: Seconds from its beginning; None means never.
            close: Wakes the thread that waits; it is called from another thread and must not block.
            ask: Called instead when the run is aborted, for a step that can end cleanly; if the step has not
                ended a second later, `close` follows.
            fair: Whether to extend the time by the delays of this process, up to the factor `LONGEST`.
        """
        most_grace_s = (LONGEST - 1) * (seconds or 0) if fair else 0.0
        return Guard(self.run, seconds, close, ask, most_grace_s=most_grace_s)

    def errand(self, seconds: float, act: Callable[[], None]) -> Guard:
        """Return a context in which `act` is called after so many seconds; it may take a moment.

        It does not delay the watchdog, and is not called early when the run is aborted.

        Args:
            seconds: Seconds from its beginning.
            act: The function, called in another thread.
        """
        return Guard("", seconds, act, watchdog=_errands)

    def stopped(self) -> bool:
        """Return whether the run has been aborted."""
        return _watchdog.stop_of(self.run).is_set()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds, or until the run is aborted."""
        _watchdog.stop_of(self.run).wait(seconds)


@dataclass(slots=True, eq=False)
class Guard:
    """One watched step, which lasts as long as its context.

    Attributes:
        most_grace_s: Maximum number of seconds to extend the time by if the watchdog was late.
        late_s: The watchdog's total delay when the step's time was last set.
        expired: Whether the time ran out and the socket was closed for that reason.
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
            self.close, self.ask = _nothing, None  # the heap keeps this guard: release the host's memory
        (self.watchdog or _watchdog).leave(self)

    def fire(self) -> None:
        """Call `close`, unless the step has ended."""
        with self._lock:
            if self._done:
                return
            self._done = True
            self.expired = not self.aborted
            close = self.close
        close()

    def abort(self) -> None:
        """End the step because its run is being stopped: cleanly if it can, otherwise at once."""
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
                with suppress(Exception):  # an error with one host's socket must not stop the watchdog
                    due.fire()

    def _pop_due(self) -> Guard | None:
        """Wait for the next guard's time or a change; return the guard that is due, if there is one."""
        while self._heap and self._heap[0][2] not in self._active:
            heapq.heappop(self._heap)
        now = time.monotonic()
        if self._heap and self._heap[0][0] <= now:
            moment, _, due = heapq.heappop(self._heap)
            return None if self._postpone(due, moment, now) else due
        # Waking up four times a second costs less than being woken for each step of each host.
        left = min(_LOOK_S, self._heap[0][0] - now) if self._heap else None
        self._looks_at = math.inf if left is None else now + left
        self._changed.wait(left)
        self._late_s += max(0.0, time.monotonic() - self._looks_at - _PROMPT_S)
        return None

    def _postpone(self, due: Guard, moment: float, now: float) -> bool:
        """Extend a step's time by the delays of this process meanwhile; return whether there were any."""
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
    """Stop a run: close everything that its steps wait on in this process, now and from now on."""
    _watchdog.abort(run)


def forget(run: str) -> None:
    """Forget a run that has ended: no step of it is left in this process."""
    _watchdog.forget(run)
