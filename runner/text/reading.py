"""Reading files whose names may come from an inventory: with a limit, and never waiting for a writer.

A device has no end, a named pipe waits for a writer, and a sparse file of a few bytes on the disk fills the
memory.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

__all__ = ["KIB", "MIB", "beginning", "check", "contents", "opened"]

KIB, MIB = 2**10, 2**20

_CHUNK = 2**18
_OWN = ("/dev/fd/", "/proc/self/fd/")
_STDIN = "/dev/stdin"


def opened(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: It cannot be opened, or it is not a regular file.
    """
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return file


def contents(
    path: str | os.PathLike[str], limit: int, *, pipes: bool = False, pipe_s: float | None = None
) -> bytes:
    """Return all of a file; nothing of `/dev/null`.

    Args:
        path: The file.
        limit: Bytes that it may hold.
        pipes: Whether a flag names it: then it may also be our standard input or a shell's `<(command)`.
        pipe_s: Seconds that such a pipe may take to its end; without a limit if None.

    Raises:
        OSError: It cannot be read, is not a regular file, or holds more.
    """
    content = beginning(path, limit + 1, pipes=pipes, pipe_s=pipe_s)
    if len(content) > limit:
        raise _too_large(path, limit)
    return content


def beginning(
    path: str | os.PathLike[str], most: int, *, pipes: bool = False, pipe_s: float | None = None
) -> bytes:
    """Return the beginning of a file; as `contents`, but a longer file is cut off.

    Raises:
        OSError: It cannot be read, or it is not a regular file.
    """
    name = os.fspath(path)
    if name == os.devnull:  # the usual way to name no file
        return b""
    if pipes and (name == _STDIN or name.startswith(_OWN)):
        with open(name, "rb", opener=_at_once, buffering=0) as file:
            return _to_the_end(file.fileno(), most, pipe_s)
    with opened(name) as file:
        return file.read(most)


def check(path: str | os.PathLike[str], limit: int) -> None:
    """Refuse a file that another program is to read and might not come to the end of; a missing one passes.

    Raises:
        OSError: It is neither a regular file nor `/dev/null`, or it is larger than the limit.
    """
    if os.fspath(path) == os.devnull:
        return
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, PermissionError):
        return  # the other program says so
    if size > limit:
        raise _too_large(path, limit)


def _too_large(path: str | os.PathLike[str], limit: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than the limit of {limit:,} bytes", os.fspath(path))


def _to_the_end(descriptor: int, most: int, seconds: float | None) -> bytes:
    """Read to the end, the limit or the deadline, of a device no more than of a terminal."""
    if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
        raise OSError(errno.EINVAL, "not a regular file")
    content = bytearray()
    deadline = None if seconds is None else time.monotonic() + seconds
    while len(content) < most:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([descriptor], [], [], left)[0]:
            raise TimeoutError(errno.ETIMEDOUT, "nothing more came in time")
        chunk = os.read(descriptor, min(_CHUNK, most - len(content)))
        if not chunk:
            break
        content += chunk
    return bytes(content)


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer of a pipe, and without taking a terminal as our own."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
