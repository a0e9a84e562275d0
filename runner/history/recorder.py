"""The history as a run sees it: written by a thread of its own, and never in the run's way.

Results that come close together go into one transaction (group commit), and so does whatever happens while
the database is busy: ten thousand that come at once cost a few commits. What somebody waits for (that hosts
may be started, the end) is written at once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from runner.history.database import Arrival, History, Intent
from runner.history.limits import prune
from runner.history.mark import has_mark, remove_mark
from runner.interpreter import at_rest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.history.limits import Limits
    from runner.models import HostResult, Run

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)

_MOST_WAITING = 4096
_MOST_BYTES = 2**24
"""What waits to be written is bounded: more than that, and the run waits for the disk."""

_TOGETHER_S = 0.05
"""Seconds from one transaction to the next, where nobody waits: each writes every page that it touches, and
results that come in no order touch most pages."""

_PRUNING_S = 0.5
"""Seconds after a run that pruning may take; the next run goes on with it."""


class _Started(NamedTuple):
    intents: Sequence[Intent]
    written: threading.Event


class _Came(NamedTuple):
    arrival: Arrival
    show: Callable[[HostResult], None]
    kept: bool = True

    @property
    def size(self) -> int:
        return sum([item.size for item in self.arrival.result.commands])


class _Ended(NamedTuple):
    written: threading.Event


_Event = _Started | _Came | _Ended


class Recorder:
    """Keeps a run. Whatever is wrong with the history is one warning, and the run goes on.

    Args:
        path: The database's file.
        run: The run to be written down.
        hosts: Names of the hosts that are meant.
        arguments: What a host task was called with.
        resumed: Whether the history holds the run already, and it was reopened to go on with it.
        limits: How much history is kept; seen to when the run has ended.
    """

    def __init__(
        self,
        path: Path,
        run: Run,
        hosts: Sequence[str],
        *,
        arguments: Mapping[str, str] | None = None,
        resumed: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._path = path
        self._run = run
        self._hosts = hosts
        self._arguments = arguments
        self._resumed = resumed
        self._limits = limits
        self._history: History | None = None
        self._began = time.monotonic()
        self._inbox = _Inbox()
        self._raised: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="runner-history", daemon=True)
        self._thread.start()

    def start(self, hosts: Sequence[str]) -> None:
        """Write down that hosts are about to be handed to workers; return when that is on the disk."""
        at_s = self._now()
        written = threading.Event()
        self._inbox.put(_Started([Intent(host, at_s) for host in hosts], written))
        written.wait()
        self._check()

    def add(self, result: HostResult, show: Callable[[HostResult], None] = lambda _result: None) -> None:
        """Write down a host's result, in due time; then it is shown.

        Args:
            result: The result.
            show: Called with it, in the recorder's thread, when it outlasts the program.
        """
        self._inbox.put(_Came(Arrival(result, self._now()), show))
        self._check()

    def pass_on(self, result: HostResult, show: Callable[[HostResult], None]) -> None:
        """Show a result that is not to be written down, in its turn."""
        self._inbox.put(_Came(Arrival(result, 0.0), show, kept=False))
        self._check()

    def finish(self) -> None:
        """Return when everything is written down and shown, and that the run has come to its end."""
        if not self._thread.is_alive():
            return
        written = threading.Event()
        self._inbox.put(_Ended(written))
        written.wait()
        self._thread.join()
        self._check()

    def _now(self) -> float:
        """Return the seconds since the run began; the clock on the wall may jump in between."""
        return time.monotonic() - self._began

    def _check(self) -> None:
        """Raise what showing a result raised, in the thread of whoever runs."""
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised

    def _work(self) -> None:
        with self._tolerant():
            self._open()
        ended = False
        while not ended:
            events = self._inbox.take()
            with self._tolerant(), at_rest():
                self._write(events)
            self._show(events)
            ended = any(isinstance(event, _Ended) for event in events)
            if ended:
                self._close()
            for event in events:
                if not isinstance(event, _Came):
                    event.written.set()

    def _open(self) -> None:
        self._history = History(self._path)
        if self._resumed:
            since = (self._run.started - self._history.claim(self._run)).total_seconds()
            self._began -= max(0.0, since)
        else:
            self._history.begin(self._run, self._hosts, self._arguments)

    def _write(self, events: Sequence[_Event]) -> None:
        if self._history is None:
            return
        intents = [intent for event in events if isinstance(event, _Started) for intent in event.intents]
        arrivals = [event.arrival for event in events if isinstance(event, _Came) and event.kept]
        if intents or arrivals:
            self._history.write(self._run, intents, arrivals)

    def _show(self, events: Sequence[_Event]) -> None:
        for event in events:
            if isinstance(event, _Came):
                try:
                    event.show(event.arrival.result)
                except BaseException as exc:  # the thread that runs has to hear of it, and this one to go on  # noqa: BLE001
                    self._raised = exc

    def _close(self) -> None:
        with self._tolerant():
            if self._history is not None:
                self._history.finish(self._run)
                self._history.close()
                self._prune()
        self._history = None

    def _prune(self) -> None:
        try:
            if self._limits is not None:
                prune(self._path, self._limits, most_s=_PRUNING_S)
        except (sqlite3.Error, OSError) as exc:
            logger.warning("%s: what is old in the history was not deleted: %s", self._path, _told(exc))

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:  # whatever it is, it must not cost the hosts their run  # noqa: BLE001
            logger.warning("%s: this run is not kept in the history from here on: %s", self._path, _told(exc))
            self._give_up()

    def _give_up(self) -> None:
        """Keep nothing any more, and leave no record that looks complete."""
        try:
            remove_mark(self._path, self._run.id)
        except OSError as exc:
            if has_mark(self._path, self._run.id):
                text = "%s: do not resume run %s: its record looks complete and is not: %s"
                logger.warning(text, self._path, self._run.id, _told(exc))
        if self._history is not None:
            with suppress(sqlite3.Error):
                self._history.close()
        self._history = None


_ADVICE = (
    (("malformed", "not a database"), "move the file away, and the next run begins a new one"),
    (("disk is full", "No space left"), "make room, or let `history.prune` do so"),
    (
        ("readonly", "unable to open", "Read-only", "Permission denied", "Not a directory"),
        "have the file where you may write (`runner: history:`), or say --no-history",
    ),
)


def _told(exc: Exception) -> str:
    """Return what is wrong with the history, and what to do about it."""
    text = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    for marks, advice in _ADVICE:
        if any(mark in text for mark in marks):
            return f"{text}; {advice}"
    return text


class _Inbox:
    """What waits to be written: taken all at once, and bounded."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[_Event] = []
        self._bytes = 0
        self._awaited = False
        self._taken = 0.0

    def put(self, event: _Event) -> None:
        with self._changed:
            while self._full():
                self._changed.notify_all()
                self._changed.wait()
            self._events.append(event)
            if not isinstance(event, _Came):
                self._awaited = True
            elif event.arrival.result.commands:
                self._bytes += event.size
            if len(self._events) == 1 or self._awaited:
                self._changed.notify_all()

    def take(self) -> list[_Event]:
        with self._changed:
            while not self._events:
                self._changed.wait()
            due = self._taken + _TOGETHER_S
            while not (self._awaited or self._full()) and (left := due - time.monotonic()) > 0:
                self._changed.wait(left)
            self._taken = time.monotonic()
            events, self._events, self._bytes, self._awaited = self._events, [], 0, False
            self._changed.notify_all()
            return events

    def _full(self) -> bool:
        return len(self._events) >= _MOST_WAITING or self._bytes > _MOST_BYTES
