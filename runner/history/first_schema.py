"""Migrate the first version of the database to the current tables.

The first version stored a host's result as one JSON document, and referred to outputs by hexadecimal digest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

__all__ = ["move", "set_aside"]

_SET_ASIDE = ("runs", "hosts", "outputs")
_RESULT = (
    "status",
    "address",
    "port",
    "rtt_ms",
    "method",
    "attempts",
    "duration_s",
    "phase",
    "reason",
    "error",
    "sent",
)
_COMMAND = ("command", "exit_code", "duration_s", "truncated", "signal", "refused")


def set_aside(database: sqlite3.Connection) -> None:
    """Rename the old tables."""
    for name in _SET_ASIDE:
        database.execute(f"ALTER TABLE {name} RENAME TO first_{name}")


def move(database: sqlite3.Connection) -> None:
    """Copy all rows to the new tables, and drop the old ones."""
    database.execute(
        "INSERT INTO runs SELECT rowid, id, task, commands, '{}', pattern, inventory, executor, workers, "
        "started, finished, NULL FROM first_runs"
    )
    database.execute(
        "INSERT INTO hosts SELECT r.rowid, position, host FROM first_hosts h "
        "JOIN first_runs r ON r.id = h.run"
    )
    database.execute(
        "INSERT INTO intents SELECT r.rowid, position, NULL FROM first_hosts h JOIN first_runs r "
        "ON r.id = h.run WHERE h.started"
    )
    # All old outputs are compressed. `size` is the compressed size: the real one is known only after reading.
    database.execute(
        "INSERT INTO outputs (digest, size, compressed, data) SELECT digest, length(data), 1, data FROM "
        "first_outputs"
    )
    rows = database.execute(
        "SELECT r.rowid, position, result FROM first_hosts h JOIN first_runs r ON r.id = h.run "
        "WHERE result IS NOT NULL"
    )
    for run, position, document in rows.fetchall():
        _move_result(database, run, position, json.loads(document))
    for name in reversed(_SET_ASIDE):
        database.execute(f"DROP TABLE first_{name}")


def _move_result(database: sqlite3.Connection, run: int, position: int, document: dict[str, Any]) -> None:
    value = None if document["value"] is None else json.dumps(document["value"])
    marks = ", ".join("?" * len(_RESULT))
    database.execute(
        f"INSERT INTO results (run, position, value, {', '.join(_RESULT)}) VALUES (?, ?, ?, {marks})",  # noqa: S608 - our own names
        (run, position, value, *(document[name] for name in _RESULT)),
    )
    outputs = "(SELECT id FROM outputs WHERE digest = ?)"
    marks = ", ".join("?" * len(_COMMAND))
    for number, command in enumerate(document["commands"]):
        database.execute(
            f"INSERT INTO commands (run, position, number, {', '.join(_COMMAND)}, stdout, stderr) "  # noqa: S608 - our own names
            f"VALUES (?, ?, ?, {marks}, {outputs}, {outputs})",
            (
                run,
                position,
                number,
                *(command[name] for name in _COMMAND),
                bytes.fromhex(command["stdout"]),
                bytes.fromhex(command["stderr"]),
            ),
        )
