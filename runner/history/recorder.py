"""The history as a run sees it: whatever is wrong with it is one warning, and the run goes on.

What happened at the same time goes into one transaction: ten thousand results that come at once cost a few
commits.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.history.database import Arrival, History, Intent
from runner.history.limits import prune
from runner.history.mark import has_mark, remove_mark
from runner.interpreter import at_rest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.history.limits import Limits
    from runner.models import HostResult, Run

__all__ = ["Recorder"]

logger = logging.getLogger(__name__)

_PRUNING_S = 0.5
"""Seconds after a run that pruning may take; the next run goes on with it."""


class Recorder:
    """Keeps a run, from the first host that is started or the first result.

    A run that was refused before that (a misspelt executor, a folder that cannot be written) is not kept:
    `--failed last` must not find it.

    Args:
        path: The database's file.
        run: The run to be written down.
        hosts: Names of the hosts that are meant.
        arguments: The arguments of a host task.
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
        self._begun = False
        self._began = time.monotonic()

    def start(self, hosts: Sequence[str]) -> None:
        """Write down that hosts are about to be handed to workers; return when that is on the disk."""
        at_s = self._now()
        self._write([Intent(host, at_s) for host in hosts], [])

    def keep(self, results: Sequence[HostResult]) -> None:
        """Write down results; when this returns, they outlast the program."""
        if not results:
            return
        at_s = self._now()
        self._write([], [Arrival(result, at_s) for result in results])

    def finish(self) -> None:
        """Write down the end of the run, if anything was written of it."""
        with self._tolerant():
            if self._history is not None:
                self._history.finish(self._run)
                self._history.close()
                self._prune()
        self._history = None

    def _now(self) -> float:
        """Return the seconds since the run began; the clock on the wall may jump in between."""
        return time.monotonic() - self._began

    def _write(self, intents: Sequence[Intent], arrivals: Sequence[Arrival]) -> None:
        with self._tolerant(), at_rest():
            if not self._begun:
                self._begun = True
                self._open()
            if self._history is not None:
                self._history.write(self._run, intents, arrivals)

    def _open(self) -> None:
        self._history = History(self._path)
        if self._resumed:
            since = (self._run.started - self._history.claim(self._run)).total_seconds()
            self._began -= max(0.0, since)
        else:
            self._history.begin(self._run, self._hosts, self._arguments)

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
