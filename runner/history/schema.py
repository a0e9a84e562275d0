"""The database's file and tables: made, opened, and brought up from what an earlier version wrote.

Settings of SQLite that matter, from its manual: in WAL mode a commit survives the death of this process; with
`synchronous = FULL` it also survives a power cut, for the price of one fsync(2) (sqlite.org/wal.html,
sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from runner.history import first_schema
from runner.text.paths import refuse_foreign

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["VERSION", "NewerVersion", "connect", "insert", "transaction"]

VERSION = 2
_BUSY_S = 10.0
_ROWS = 50
"""Rows in one statement: so many of 16 values are within the least that SQLite takes (999)."""

# `position` is the host's place among those that were meant; times are seconds since the run began; `stdout`
# and `stderr` are ids of outputs, NULL for an empty one. `process` is who is at work on the run.
_TABLES = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, commands TEXT NOT NULL,
    arguments TEXT NOT NULL, pattern TEXT, inventory TEXT NOT NULL, executor TEXT NOT NULL,
    workers INTEGER NOT NULL, started TEXT NOT NULL, finished TEXT, process TEXT
) STRICT;
CREATE TABLE hosts (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, at_s REAL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE results (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, at_s REAL,
    status TEXT NOT NULL, address TEXT, port INTEGER, rtt_ms REAL, rtts_ms TEXT, method TEXT,
    attempts INTEGER NOT NULL, duration_s REAL NOT NULL, phase TEXT, reason TEXT, error TEXT,
    sent INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE commands (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
    number INTEGER NOT NULL, command TEXT NOT NULL, exit_code INTEGER, duration_s REAL NOT NULL,
    truncated INTEGER NOT NULL, signal TEXT, refused TEXT, stdout INTEGER, stderr INTEGER,
    PRIMARY KEY (run, position, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE outputs (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, compressed INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
"""


class NewerVersion(sqlite3.DatabaseError):
    """A later version of this program wrote the database, and only that one knows what it means."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database; make it, with its folder and readable by its owner alone, where it does not exist.

    Raises:
        sqlite3.Error, OSError: It cannot be opened, is no history, or is one of a newer version.
    """
    refuse_foreign(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)
    try:
        _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Do all of it or nothing; the lock for writing is taken at the beginning, so that waiting can help."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # A full disk has SQLite roll back by itself.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def insert(database: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, many with one statement.

    While a statement is carried out, Python lets other threads go on, and then waits to have its turn again.
    Done for each row, that takes longer than the row while these threads are busy.

    Args:
        database: The database.
        into: The statement up to its VALUES.
        rows: The rows, of the same number of values each.
    """
    if not rows:
        return
    marks = f"({', '.join('?' * len(rows[0]))})"
    whole = len(rows) - len(rows) % _ROWS
    several = [list(chain.from_iterable(rows[first : first + _ROWS])) for first in range(0, whole, _ROWS)]
    database.executemany(f"{into} VALUES {', '.join([marks] * _ROWS)}", several)
    database.executemany(f"{into} VALUES {marks}", rows[whole:])


def _prepare(database: sqlite3.Connection) -> None:
    found = _version(database)
    if found > VERSION:
        raise NewerVersion(
            f"it was written by a newer version of this program (schema {found}, known: {VERSION}); use that "
            "one, or have another file for this one (`runner: history:`)"
        )
    if found == 0:
        # It has to be said before there is any table; `prune` gives pages back by it.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _use_wal(database)
    database.execute("PRAGMA synchronous = NORMAL")
    if found < VERSION:
        _upgrade(database)
    database.execute("PRAGMA foreign_keys = ON")


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _use_wal(database: sqlite3.Connection) -> None:
    """Switch the journal; SQLite does not wait for its lock here while another run does the same."""
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _upgrade(database: sqlite3.Connection) -> None:
    """Make the tables, and move into them what an earlier version kept.

    Another run that began at the same moment may have just done so.
    """
    with transaction(database):
        found = _version(database)
        if found == 1:
            first_schema.set_aside(database)
        if found < VERSION:
            for statement in _TABLES.split(";\n"):
                database.execute(statement)
        if found == 1:
            first_schema.move(database)
        database.execute(f"PRAGMA user_version = {VERSION}")
