"""Results kept until the end of a run, in bounded memory."""

from __future__ import annotations

import tempfile
import zlib
from dataclasses import replace
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runner.models import HostResult

__all__ = ["MEMORY", "ResultStore"]

MEMORY = 64 * 2**20
"""Bytes of output that are kept in memory; what comes after that goes to a temporary file."""
_SMALL = 1024
"""Bytes. Less than this is not worth its place in a file."""


class _Spilled(NamedTuple):
    """A result whose outputs are in the file: all of them, one after the other, compressed."""

    result: HostResult
    offset: int
    length: int
    sizes: tuple[int, ...]


class ResultStore:
    """Results by number, in the order in which they came.

    Outputs beyond what may stay in memory are compressed into a temporary file that has no name, so that
    nobody else reads it and nothing is left of it. Where none can be written, they stay in memory after all.

    Args:
        memory: Bytes of output that stay in memory.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._left = memory
        self._kept: list[HostResult | _Spilled] = []
        self._file: IO[bytes] | None = None
        self._end = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, number: int) -> HostResult:
        kept = self._kept[number]
        return self._read(kept) if isinstance(kept, _Spilled) else kept

    def add(self, result: HostResult) -> int:
        """Keep a result; return its number."""
        size = sum([len(item.stdout_bytes) + len(item.stderr_bytes) for item in result.commands])
        if size > self._left and size > _SMALL:
            self._kept.append(self._spilled(result))
        else:
            self._left -= size
            self._kept.append(result)
        return len(self._kept) - 1

    def close(self) -> None:
        """Forget everything."""
        self._kept.clear()
        if self._file is not None:
            self._file.close()

    def _spilled(self, result: HostResult) -> HostResult | _Spilled:
        parts = [data for item in result.commands for data in (item.stdout_bytes, item.stderr_bytes)]
        packed = zlib.compress(b"".join(parts), 1)
        offset = self._end
        try:
            self._write(packed)
        except OSError:
            return result
        bare = tuple([replace(item, stdout_bytes=b"", stderr_bytes=b"") for item in result.commands])
        return _Spilled(result._replace(commands=bare), offset, len(packed), tuple(map(len, parts)))

    def _write(self, data: bytes) -> None:
        file = self._open()
        file.seek(self._end)
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        self._end += len(data)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="runner-", buffering=0)  # noqa: SIM115 - see close()
        return self._file

    def _read(self, kept: _Spilled) -> HostResult:
        file = self._open()
        file.seek(kept.offset)
        data = zlib.decompress(file.read(kept.length))
        parts, begin = [], 0
        for size in kept.sizes:
            parts.append(data[begin : begin + size])
            begin += size
        commands = [
            replace(item, stdout_bytes=out, stderr_bytes=err)
            for item, out, err in zip(kept.result.commands, parts[::2], parts[1::2], strict=True)
        ]
        return kept.result._replace(commands=tuple(commands))
