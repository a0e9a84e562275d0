"""Store the outputs of hosts: identical outputs once, compressed if that saves space."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Outputs", "forget_unused"]

_WORTH_COMPRESSING = 256
"""Bytes. For smaller outputs, the row takes more space than the text."""
_MOST_KNOWN = 20_000


class Outputs:
    """The outputs in the database, by id; the id of an empty output is None.

    Writes are part of the caller's transaction.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known: dict[bytes, int] = {}
        self._loaded: dict[int, bytes] = {}

    def store(self, data: bytes) -> int | None:
        """Store an output; return its id."""
        if not data:
            return None
        digest = hashlib.sha256(data).digest()
        number = self._known.get(digest)
        if number is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            number = self._known[digest] = self._stored(digest, data)
        return number

    def _stored(self, digest: bytes, data: bytes) -> int:
        row = self._database.execute("SELECT id FROM outputs WHERE digest = ?", (digest,)).fetchone()
        if row is not None:
            return int(row[0])
        packed = zlib.compress(data, 1) if len(data) >= _WORTH_COMPRESSING else data
        compressed = len(packed) < len(data)
        added = self._database.execute(
            "INSERT INTO outputs (digest, size, compressed, data) VALUES (?, ?, ?, ?)",
            (digest, len(data), compressed, packed if compressed else data),
        )
        assert added.lastrowid is not None  # noqa: S101 - an INSERT has just succeeded
        return added.lastrowid

    def load(self, number: int | None) -> bytes:
        """Return an output; hosts with the same output share one object."""
        if number is None:
            return b""
        if number not in self._loaded:
            query = "SELECT data, compressed FROM outputs WHERE id = ?"
            data, compressed = self._database.execute(query, (number,)).fetchone()
            self._loaded[number] = zlib.decompress(data) if compressed else data
        return self._loaded[number]

    def let_go(self) -> None:
        """Drop all loaded outputs from memory."""
        self._loaded.clear()


def forget_unused(database: sqlite3.Connection) -> None:
    """Delete the outputs that no command refers to."""
    database.execute(
        "DELETE FROM outputs WHERE id NOT IN (SELECT stdout FROM commands WHERE stdout IS NOT NULL "
        "UNION SELECT stderr FROM commands WHERE stderr IS NOT NULL)"
    )
