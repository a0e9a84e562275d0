"""Create, open and upgrade the database file and its tables.

SQLite settings used here: in WAL mode a commit survives a crash of this process; with `synchronous = FULL` it
also survives a power cut, at the cost of one fsync(2) (sqlite.org/wal.html,
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
"""Rows in one statement: 50 rows of 16 values stay below SQLite's lowest limit of parameters (999)."""

# `position` is the host's index in the run; times are seconds since the run began; `stdout` and `stderr` are
# ids of outputs, NULL for an empty one. `process` identifies the process that works on the run.
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
    """A newer version of this program wrote the database; this version cannot read it."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the database; if it does not exist, create it and its folder, readable by the owner only.

    Raises:
        sqlite3.Error, OSError: It cannot be opened, is not a history, or is from a newer version.
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
    """Run the block as one transaction; take the write lock first, so that SQLite waits for other writers."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # If the disk is full, SQLite has already rolled back.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def insert(database: sqlite3.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, many with one statement.

    The sqlite3 module releases the interpreter lock (GIL) during each statement, and then waits for it again.
    While other threads are busy, this wait takes longer than inserting a row.

    Args:
        database: The database.
        into: The statement up to its VALUES.
        rows: The rows; all have the same number of values.
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
            "version, or set another file for this one (`runner: history:`)"
        )
    if found == 0:
        # Must be set before any table exists; `prune` needs it to shrink the file.
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
    """Switch to WAL mode; retry, as SQLite does not wait here while another run does the same."""
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
    """Create the tables, and move the data of an earlier version into them.

    Check the version again inside the transaction: another run may have just done the same.
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
