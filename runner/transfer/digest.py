"""SHA-256 sums of files, on this machine and on hosts that have a shell."""

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
"""Most bytes in one command line; systems accept 128 KB and more for one argument."""

# OpenSSL is several times as fast as GNU coreutils if the processor supports SHA-256.
_SCRIPT = """\
if said=$(openssl dgst -sha256 -r "$@" 2>/dev/null); then echo "$said"
elif command -v sha256sum >/dev/null; then sha256sum "$@"
elif command -v shasum >/dev/null; then shasum -a 256 "$@"
else sha256 -q "$@"; fi
"""
_SUM = re.compile(r"[0-9a-f]{64}(?=\s|$)")


class Hashed:
    """Passes on chunks of a file, and computes their sum on the way.

    Attributes:
        size: Bytes passed on so far.
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
        """Return the sum of the bytes passed on so far, in hexadecimal digits."""
        return self._sum.hexdigest()


def of_content(content: Iterable[bytes]) -> str:
    """Return the sum of all chunks, in hexadecimal digits."""
    found = hashlib.sha256()
    for part in content:
        found.update(part)
    return found.hexdigest()


def of_local(path: str) -> str:
    """Return the sum of a file of this machine; cached until the file changes.

    Raises:
        LocalFailure: The file cannot be read.
    """
    with here(path):
        found = Path(path).stat()
        return _of_local(path, found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _of_local(path: str, *_identity: int) -> str:
    with reading.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def on_host(shell: Shell, paths: Sequence[str]) -> list[str | None] | None:
    """Have the host compute the sums of its files.

    Returns:
        The sums; None if the host cannot compute all of them, for example with an SFTP-only account.
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
