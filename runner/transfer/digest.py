"""SHA-256 sums of files, here and on hosts that have a shell."""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from runner.text import reading
from runner.transfer.errors import here

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.transfer.shell import Shell

__all__ = ["Hashed", "of_content", "of_local", "on_host"]

_LONGEST_LINE = 60_000
"""Bytes of one command line; systems take 128 KB and more for one word."""

# OpenSSL's is several times as fast as that of GNU's coreutils, where the processor can do it.
_SCRIPT = """\
if said=$(openssl dgst -sha256 -r "$@" 2>/dev/null); then echo "$said"
elif command -v sha256sum >/dev/null; then sha256sum "$@"
elif command -v shasum >/dev/null; then shasum -a 256 "$@"
else sha256 -q "$@"; fi
"""
_SUM = re.compile(r"[0-9a-f]{64}(?=\s|$)")


class Hashed:
    """A content that is summed up as it passes.

    Attributes:
        size: Bytes that have passed.
    """

    def __init__(self, content: Iterable[bytes]) -> None:
        self.size = 0
        self._content = content
        self._sum = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for part in self._content:
            self._sum.update(part)
            self.size += len(part)
            yield part

    def digest(self) -> str:
        """Return the sum of what has passed, in hexadecimal digits."""
        return self._sum.hexdigest()


def of_content(content: Iterable[bytes]) -> str:
    """Return a content's sum, in hexadecimal digits."""
    found = hashlib.sha256()
    for part in content:
        found.update(part)
    return found.hexdigest()


def of_local(path: str) -> str:
    """Return the sum of a file of this machine, computed once for as long as the file does not change.

    Raises:
        LocalFailure: It cannot be read.
    """
    with here(path):
        found = Path(path).stat()
        return _of_local(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _of_local(path: str, *_identity: int) -> str:
    with reading.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def on_host(shell: Shell, paths: Sequence[str]) -> list[str | None] | None:
    """Return the sums of a host's files, computed there.

    Returns:
        None where the host cannot do it for all of them, as with an account that is for SFTP alone.
    """
    found: list[str | None] = []
    for batch in _batches(paths):
        said = shell.ask(_SCRIPT, *(f"./{path}" if path.startswith("-") else path for path in batch))
        lines = (said or "").splitlines()
        if said is None or len(lines) != len(batch):
            return None
        matches = [_SUM.match(line.strip().removeprefix("\\")) for line in lines]
        found.extend(match and match[0] for match in matches)
    return None if None in found else found


def _batches(paths: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > _LONGEST_LINE:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(os.fsencode(path)) + 8
    if batch:
        yield batch
