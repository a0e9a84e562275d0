"""Limit the history by number of runs, age and size: delete the oldest runs."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from runner.history.mark import remove_mark
from runner.history.outputs import forget_unused
from runner.history.owner import is_alive
from runner.history.schema import connect, transaction

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Limits", "Pruned", "prune"]

_PAGES_AT_ONCE = 1000
_RUNS_THAT_AGREE = 10
"""Number of recent runs whose start time must confirm the current time before a run counts as too old. A jump
of the clock, or a machine that boots with a wrong clock, must not delete the history."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the history; None means unlimited.

    Attributes:
        runs: Maximum number of runs.
        age_s: Maximum age of a run since its start, in seconds.
        size: Maximum size of the database in bytes, without its free pages.
    """

    runs: int | None = None
    age_s: float | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """The result of pruning.

    Attributes:
        runs: Number of deleted runs.
        freed: By how many bytes the file has shrunk.
        kept: Number of remaining runs.
        size: Size of the file afterwards, in bytes.
    """

    runs: int
    freed: int
    kept: int
    size: int


def prune(path: Path, limits: Limits, *, most_s: float | None = None, now: datetime | None = None) -> Pruned:
    """Delete the oldest runs until the limits are met, and return the space to the file system.

    A run that a process is working on is kept.

    Args:
        path: The database's file.
        limits: The limits.
        most_s: Time limit in seconds; the next call continues.
        now: The time to compute ages from; None means the start of the tenth most recent run, or the clock's
            time if that is earlier.

    Raises:
        sqlite3.Error, OSError: The database cannot be opened or written.
    """
    end = None if most_s is None else time.monotonic() + most_s
    database = connect(path)
    try:
        before = _bytes(database, free=True)
        deleted = _delete(database, limits, now, end)
        if deleted:
            _give_back(database, end)
        (kept,) = database.execute("SELECT count(*) FROM runs").fetchone()
        after = _bytes(database, free=True)
        return Pruned(deleted, max(0, before - after), int(kept), after)
    finally:
        database.close()


def _delete(database: sqlite3.Connection, limits: Limits, now: datetime | None, end: float | None) -> int:
    deleted = 0
    for number in _too_many_or_old(database, limits, now):
        if _over(end):
            break
        deleted += _forget(database, number)
    if deleted:
        _forget_outputs(database)
    while limits.size is not None and _bytes(database) > limits.size and not _over(end):
        # Delete a twentieth at a time: runs share outputs, so the space freed is known only after deletion.
        oldest = _idle(database)
        oldest = oldest[: max(1, len(oldest) // 20)]
        if not oldest:
            break
        deleted += sum(_forget(database, number) for number in oldest)
        _forget_outputs(database)
    return deleted


def _too_many_or_old(database: sqlite3.Connection, limits: Limits, now: datetime | None) -> list[int]:
    """Return the runs beyond the limits of number and age, oldest first."""
    idle = _idle(database)
    (all_of_them,) = database.execute("SELECT count(*) FROM runs").fetchone()
    found = set() if limits.runs is None else set(idle[: max(0, all_of_them - limits.runs)])
    now = now or _agreed_time(database)
    if limits.age_s is not None and now is not None:
        first = (now - timedelta(seconds=limits.age_s)).astimezone(UTC).isoformat()
        rows = database.execute("SELECT number FROM runs WHERE started < ?", (first,)).fetchall()
        found |= {number for (number,) in rows} & set(idle)
    return sorted(found)


def _agreed_time(database: sqlite3.Connection) -> datetime | None:
    """Return a time that is certainly not in the future: ten runs started then or later; None if too few."""
    select = "SELECT started FROM runs ORDER BY started DESC LIMIT 1 OFFSET ?"
    row = database.execute(select, (_RUNS_THAT_AGREE - 1,)).fetchone()
    return min(datetime.now(UTC), datetime.fromisoformat(row[0])) if row else None


def _idle(database: sqlite3.Connection) -> list[int]:
    """Return the runs that no process is working on, oldest first."""
    rows = database.execute("SELECT number, process FROM runs ORDER BY number").fetchall()
    return [number for number, process in rows if process is None or not is_alive(process)]


def _forget(database: sqlite3.Connection, number: int) -> int:
    """Delete one run, in a separate transaction, so that other writers wait only briefly."""
    with transaction(database):
        gone = database.execute("DELETE FROM runs WHERE number = ? RETURNING id", (number,)).fetchall()
    for (run,) in gone:
        with suppress(OSError):  # a killed run has left its mark; without the run, the mark has no meaning
            remove_mark(_file(database), run)
    return len(gone)


def _forget_outputs(database: sqlite3.Connection) -> None:
    with transaction(database):
        forget_unused(database)


def _give_back(database: sqlite3.Connection, end: float | None) -> None:
    """Shrink the file, some pages at a time."""
    (incremental,) = database.execute("PRAGMA auto_vacuum").fetchone()
    if not incremental and end is None:
        # The first version of the database did not enable this; VACUUM applies it to the existing file.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("VACUUM")
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    while incremental and free and not _over(end):
        database.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
        (free,) = database.execute("PRAGMA freelist_count").fetchone()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _bytes(database: sqlite3.Connection, *, free: bool = False) -> int:
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (unused,) = database.execute("PRAGMA freelist_count").fetchone()
    (size,) = database.execute("PRAGMA page_size").fetchone()
    return int((pages if free else pages - unused) * size)


def _file(database: sqlite3.Connection) -> Path:
    ((_number, _name, path),) = database.execute("PRAGMA database_list").fetchall()
    return Path(path)


def _over(end: float | None) -> bool:
    return end is not None and time.monotonic() >= end
