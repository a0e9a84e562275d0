"""Keep the outputs of commands in bounded memory, for all hosts together.

Outputs are kept in memory up to a limit for the whole process. Later ones are compressed and written to a
temporary file without a name, so that other users cannot open it and it is deleted with the process. If it
cannot be written, outputs stay in memory.
"""

from __future__ import annotations

import os
import tempfile
import threading
import zlib
from contextlib import suppress
from typing import IO, NamedTuple

__all__ = ["MEMORY", "Collected", "Kept", "Store", "keep", "limit"]

MEMORY = 64 * 2**20
"""Bytes of output that a process keeps in memory."""
_SMALL = 1024
"""Bytes. Smaller outputs always stay in memory."""
_PIECE = 2**16
"""Bytes of an unfinished output that are collected in memory before they are written together."""


class _File:
    """A file without a name, shared by several outputs; it is emptied when the last one is released."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="runner-", buffering=0)  # noqa: SIM115 - stays open for readers
        self._owner = os.getpid()
        self._lock = threading.RLock()  # the garbage collector may call `release` in the middle of `write`
        self._end = 0
        self._places = 0

    def write(self, data: bytes) -> _Place:
        """Write bytes; return their place in the file.

        Raises:
            OSError: The bytes cannot be written.
        """
        packed = zlib.compress(data, 1)
        with self._lock:
            begin, self._end = self._end, self._end + len(packed)
            self._places += 1
        view, at = memoryview(packed), begin
        try:
            while view:
                written = os.pwrite(self._file.fileno(), view, at)
                view, at = view[written:], at + written
        except OSError:
            self.release(1)
            raise
        return _Place(self, begin, len(packed))

    def read(self, begin: int, length: int) -> bytes:
        """Return the bytes written at a place."""
        parts: list[bytes] = []
        while length:
            part = os.pread(self._file.fileno(), length, begin)
            if not part:
                raise OSError("the temporary file of outputs was cut off")
            parts.append(part)
            begin, length = begin + len(part), length - len(part)
        return zlib.decompress(b"".join(parts))

    def release(self, places: int) -> None:
        """Release places that are no longer used."""
        with self._lock:
            self._places -= places
            if not self._places and os.getpid() == self._owner:
                self._end = 0
                with suppress(OSError, ValueError):
                    os.ftruncate(self._file.fileno(), 0)


class _Place(NamedTuple):
    file: _File
    begin: int
    length: int


class Store:
    """Counts the outputs of a process in memory, and writes the excess to a file.

    Args:
        memory: Most bytes to keep in memory.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self.forget_file()
        os.register_at_fork(after_in_child=self.forget_file)

    def limit(self, memory: int) -> None:
        """Set the most bytes to keep in memory."""
        self._memory = memory

    def forget_file(self) -> None:
        """Reset the count and the file: a forked process must not write to its parent's file."""
        self._lock = threading.RLock()
        self._used = 0
        self._file: _File | None = None

    def keep(self, data: bytes) -> bytes | Kept:
        """Return an output as a `Kept` object that counts its memory; return a small one unchanged."""
        if len(data) < _SMALL:
            return data
        collected = Collected(self)
        collected.add(data)
        return collected.kept()

    @property
    def full(self) -> bool:
        """Whether outputs in memory exceed the limit."""
        return self._used > self._memory

    def take(self, size: int) -> None:
        """Add bytes to the count of memory in use; a negative number removes them."""
        with self._lock:
            self._used += size

    def write(self, data: bytes) -> _Place | None:
        """Write an output to the file; return its place, or None if that fails."""
        try:
            with self._lock:
                self._file = self._file or _File()
            return self._file.write(data)
        except OSError:
            return None


class Kept:
    """A finished output: in memory, in the file, or partly in each.

    Args:
        store: The store that counts it.
        places: The places in the file of its first parts.
        rest: Its last part, in memory.
        size: Its size in bytes.
    """

    __slots__ = ("_places", "_rest", "_store", "size")

    def __init__(self, store: Store, places: tuple[_Place, ...], rest: bytes, size: int) -> None:
        self._store = store
        self._places = places
        self._rest = rest
        self.size = size

    def __del__(self) -> None:
        self._store.take(-len(self._rest))
        for place in self._places:
            place.file.release(1)

    def __reduce__(self) -> tuple[object, ...]:
        return keep, (self.read(),)

    def read(self) -> bytes:
        """Return the whole output."""
        if not self._places:
            return self._rest
        return b"".join([*(place.file.read(place.begin, place.length) for place in self._places), self._rest])


class Collected:
    """An unfinished output, which grows chunk by chunk.

    Args:
        store: The store that counts it; by default, that of the process.
    """

    def __init__(self, store: Store | None = None) -> None:
        self._store = _STORE if store is None else store
        self._places: list[_Place] = []
        self._chunks: list[bytes] = []
        self._held = 0
        self._kept: Kept | None = None
        self.size = 0

    def __del__(self) -> None:
        self._store.take(-self._held)

    def add(self, chunk: bytes) -> None:
        """Append the next chunk."""
        if self._kept is not None:
            before, self._kept, self.size = self._kept.read(), None, 0
            self.add(before)
        self._chunks.append(chunk)
        self._held += len(chunk)
        self.size += len(chunk)
        self._store.take(len(chunk))
        if self._held >= _PIECE and self._store.full:
            self._write()

    def kept(self) -> bytes | Kept:
        """Return the output so far."""
        if self._kept is not None:
            return self._kept
        if self._held >= _SMALL and self._store.full:
            self._write()
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]
        rest = self._chunks[0] if self._chunks else b""
        if not self._places and len(rest) < _SMALL:
            return rest
        self._kept = Kept(self._store, tuple(self._places), rest, self.size)
        self._places, self._chunks, self._held = [], [], 0
        return self._kept

    def _write(self) -> None:
        place = self._store.write(b"".join(self._chunks))
        if place is not None:
            self._store.take(-self._held)
            self._places.append(place)
            self._chunks, self._held = [], 0


_STORE = Store()


def limit(memory: int) -> None:
    """Set the most bytes of output that this process keeps in memory, for example if it is one of several."""
    _STORE.limit(memory)


def keep(data: bytes | Kept) -> bytes | Kept:
    """Return an output as a `Kept` object that counts its memory; return a small one unchanged."""
    return _STORE.keep(data) if isinstance(data, bytes) else data
