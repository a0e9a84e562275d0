"""The lines of `known_hosts` files whose host names are hashed, each with a different salt (sshd(8)).

Comparing a host with such a line takes one HMAC-SHA1 (RFC 2104), and only a search through all lines shows
that none matches. The half of the HMAC that does not depend on the host is computed once.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from itertools import compress, repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.connection.host_keys.lines import Entry, Names

__all__ = ["HashedNames"]

_BLOCK = 64  # bytes that SHA-1 takes at a time
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_TOGETHER = 512  # lines
_ASKED = 4096  # hosts whose lines are remembered


class HashedNames:
    """The keys in one file's lines with hashed names."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self._entries: list[Entry] = []
        self._new_salts: list[bytes] = []
        self._digests: list[bytes] = []
        self._inner: list[Any] = []
        self._outer: list[Any] = []
        self._found: dict[str, list[Entry]] = {}
        self._last = 0
        self._lock = threading.Lock()

    def add(self, names: Names, entry: Entry) -> None:
        """Add a line."""
        with self._lock:
            self.types.add(entry.key_type)
            self._entries.append(entry)
            self._new_salts.append(names.salt)
            self._digests.append(names.digest)
            self._found.clear()

    def entries(self, name: str) -> list[Entry]:
        """Return the keys on record for a name; the first time this takes about 1 µs for each line."""
        with self._lock:
            self._look(name, None)
            return self._found[name]

    def holds(self, name: str, blob: str) -> bool:
        """Tell whether a key is on record for a name; if it is, this is faster than `entries`."""
        with self._lock:
            return self._look(name, blob)

    def _look(self, name: str, blob: str | None) -> bool:
        """Search for a key and return whether it is found; a search of all lines is cached."""
        found = self._found.get(name)
        if found is not None:
            return any(entry.blob == blob for entry in found)
        self._prepare()
        parts = {}
        for start in self._starts():
            parts[start] = self._within(start, name)
            if any(entry.blob == blob for entry in parts[start]):
                self._last = start
                return True
        if len(self._found) >= _ASKED:
            self._found.clear()
        self._found[name] = [entry for start in sorted(parts) for entry in parts[start]]
        return False

    def _starts(self) -> list[int]:
        """Return the start of each part of the lines, beginning with the part that held the last key found.

        Hosts are usually looked up in the order in which they were recorded.
        """
        starts = list(range(0, len(self._entries), _TOGETHER))
        place = self._last // _TOGETHER
        return starts[place:] + starts[:place]

    def _within(self, start: int, name: str) -> list[Entry]:
        """Return the entries for a name in one part; each step handles all lines in one call."""
        part = slice(start, start + _TOGETHER)
        state: Any = type(self._inner[start])
        inner = list(map(state.copy, self._inner[part]))
        deque(map(state.update, inner, repeat(name.encode())), maxlen=0)
        outer = list(map(state.copy, self._outer[part]))
        deque(map(state.update, outer, map(state.digest, inner)), maxlen=0)
        equal = map(bytes.__eq__, map(state.digest, outer), self._digests[part])
        return list(compress(self._entries[part], equal))

    def _prepare(self) -> None:
        for salt in self._new_salts:
            key = (salt if len(salt) <= _BLOCK else _sha1(salt).digest()).ljust(_BLOCK, b"\0")
            self._inner.append(_sha1(key.translate(_INNER)))
            self._outer.append(_sha1(key.translate(_OUTER)))
        self._new_salts.clear()


def _sha1(text: bytes) -> Any:
    return hashlib.sha1(text, usedforsecurity=False)
