"""Allow one writer at a time for a `known_hosts` file, even if it is replaced while another one waits."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LONGEST", "locked"]

LONGEST = 64 * 2**20
"""Maximum bytes of a `known_hosts` file: enough for the keys of about 200,000 hosts."""

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_WAIT_S = 2.0
"""Seconds to wait for a lock: a program that only writes holds it for milliseconds."""
_PAUSE_S = 0.02

_in_process = threading.Lock()
_held: dict[str, float] = {}
"""When waiting for a file's lock last failed; the threads that come next do not wait again."""


@contextmanager
def locked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading and appending, with an exclusive lock; create it if it does not exist.

    Raises:
        OSError: The file cannot be opened, is larger than `LONGEST`, or another program holds a lock on it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _in_process:
        while True:
            with open(path, "r+b", opener=_opened) as file:
                _lock(str(path), file)
                if _is(path, file):
                    yield file
                    return


def _opened(path: str, _flags: int) -> int:
    """Open or create a file; refuse one that cannot be a file of host keys."""
    descriptor = os.open(path, _FLAGS, 0o600)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size <= LONGEST:
        return descriptor
    os.close(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    raise OSError(errno.EFBIG, f"larger than the limit of {LONGEST:,} bytes")


def _lock(path: str, file: IO[bytes]) -> None:
    """Lock a file within a time limit: any program that may read it can hold a lock for as long as it likes.

    Raises:
        OSError: Another program did not release its lock in time.
    """
    now = time.monotonic()
    end = now if now - _held.get(path, -_WAIT_S) < _WAIT_S else now + _WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                _held[path] = time.monotonic()
                text = "another program holds a lock on it (fuser -v shows which)"
                raise OSError(errno.EAGAIN, text) from None
            time.sleep(_PAUSE_S)
        else:
            _held.pop(path, None)
            return


def _is(path: Path, file: IO[bytes]) -> bool:
    """Tell whether a path still names this file, which may have been replaced while we waited."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False
