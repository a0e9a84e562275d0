"""One writer at a time for a `known_hosts` file, also where it is replaced by another in the meantime."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked"]

_in_process = threading.Lock()


@contextmanager
def locked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading and appending while no other process of ours does; it is made where it is not.

    Raises:
        OSError: It cannot be.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _in_process:
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is(path, file):
                    yield file
                    return


def _is(path: Path, file: IO[bytes]) -> bool:
    """Whether a file is still the one of that name: who waited for it may have waited for an old one."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False
