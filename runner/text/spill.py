"""Outputs of commands in bounded memory, for all hosts together, wherever results are held.

What commands print is kept in memory up to a limit that holds for the whole process; what comes after that
goes, compressed, to a temporary file that has no name, so that no other user reads it and nothing is left of
it. If nothing can be written there, outputs stay in memory after all.
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
"""Bytes. Less than this is not worth a place in a file."""
_PIECE = 2**16
"""Bytes of an output under way that stay in memory in any case, to be written together."""


class _File:
    """A file without a name, which several outputs share; it is emptied when the last one is gone."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="runner-", buffering=0)  # noqa: SIM115 - open as long as it has a reader
        self._owner = os.getpid()
        self._lock = threading.RLock()  # the garbage collector may call `release` in the middle of `write`
        self._end = 0
        self._places = 0

    def write(self, data: bytes) -> _Place:
        """Write some bytes; return where they are.

        Raises:
            OSError: They cannot be written.
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
        """Return what was written at a place."""
        parts: list[bytes] = []
        while length:
            part = os.pread(self._file.fileno(), length, begin)
            if not part:
                raise OSError("the temporary file of outputs was cut off")
            parts.append(part)
            begin, length = begin + len(part), length - len(part)
        return zlib.decompress(b"".join(parts))

    def release(self, places: int) -> None:
        """Give back places that nothing refers to any more."""
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
    """Counts the outputs of a process that are in memory, and writes down what is too much.

    Args:
        memory: Bytes that stay in memory.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self.forget_file()
        os.register_at_fork(after_in_child=self.forget_file)

    def limit(self, memory: int) -> None:
        """Keep so many bytes in memory from now on."""
        self._memory = memory

    def forget_file(self) -> None:
        """Begin with nothing in memory and no file: a forked process must not write to its parent's."""
        self._lock = threading.RLock()
        self._used = 0
        self._file: _File | None = None

    def keep(self, data: bytes) -> bytes | Kept:
        """Return an output as something that gives it back, and that counts what it holds in memory."""
        if len(data) < _SMALL:
            return data
        collected = Collected(self)
        collected.add(data)
        return collected.kept()

    @property
    def full(self) -> bool:
        """Whether there is too much in memory."""
        return self._used > self._memory

    def take(self, size: int) -> None:
        """Count bytes that are in memory from now on; a negative number of them is no longer."""
        with self._lock:
            self._used += size

    def write(self, data: bytes) -> _Place | None:
        """Write down an output; return None if that cannot be done."""
        try:
            with self._lock:
                self._file = self._file or _File()
            return self._file.write(data)
        except OSError:
            return None


class Kept:
    """An output that has come to its end: in memory, in the file, or in part here and there.

    Args:
        store: What counts it.
        places: Where its begin was written to.
        rest: Its end.
        size: How many bytes there are.
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
        """Return it."""
        if not self._places:
            return self._rest
        return b"".join([*(place.file.read(place.begin, place.length) for place in self._places), self._rest])


class Collected:
    """An output under way.

    Args:
        store: What counts it.
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
        """Take in what came next."""
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
        """Return it, as far as it has come."""
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
    """Have this process keep so many bytes of output in memory, if it is one of several."""
    _STORE.limit(memory)


def keep(data: bytes | Kept) -> bytes | Kept:
    """Return an output as something that counts what it holds in memory; small ones stay as they are."""
    return _STORE.keep(data) if isinstance(data, bytes) else data
