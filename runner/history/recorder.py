"""Record a run in the history. If recording fails, log one warning and let the run continue.

Events of the same moment are written in one transaction: ten thousand results at once take a few commits.
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
"""Time limit for pruning after a run, in seconds; the next run continues it."""


class Recorder:
    """Records a run, from the first started host or the first result.

    A run that is refused before that (a misspelt executor, a folder that cannot be written) is not recorded:
    `--failed last` must not find it.

    Args:
        path: The database's file.
        run: The run to record.
        hosts: Names of the hosts of the run.
        arguments: The arguments of a host task.
        resumed: Whether the run is already in the history and was reopened to resume it.
        limits: Limits of the history; applied after the run has ended.
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
        """Record that hosts are about to be handed to workers; return after it is synced to disk."""
        at_s = self._now()
        self._write([Intent(host, at_s) for host in hosts], [])

    def keep(self, results: Sequence[HostResult]) -> None:
        """Record results; when this returns, they survive a crash of the program."""
        if not results:
            return
        at_s = self._now()
        self._write([], [Arrival(result, at_s) for result in results])

    def finish(self) -> None:
        """Record the end of the run, if anything of it was recorded."""
        with self._tolerant():
            if self._history is not None:
                self._history.finish(self._run)
                self._history.close()
                self._prune()
        self._history = None

    def _now(self) -> float:
        """Return the seconds since the run began, by the monotonic clock: the system clock may jump."""
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
            logger.warning("%s: old runs in the history were not deleted: %s", self._path, _told(exc))

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:  # a failing history must not end the run  # noqa: BLE001
            logger.warning("%s: this run is not kept in the history from here on: %s", self._path, _told(exc))
            self._give_up()

    def _give_up(self) -> None:
        """Stop recording, and make sure that the record does not look complete."""
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
    (("malformed", "not a database"), "move the file away: the next run creates a new one"),
    (("disk is full", "No space left"), "free disk space, or run `history.prune`"),
    (
        ("readonly", "unable to open", "Read-only", "Permission denied", "Not a directory"),
        "set a file that you can write (`runner: history:`), or use --no-history",
    ),
)


def _told(exc: Exception) -> str:
    """Describe a fault of the history, with advice if there is some."""
    text = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    for marks, advice in _ADVICE:
        if any(mark in text for mark in marks):
            return f"{text}; {advice}"
    return text
