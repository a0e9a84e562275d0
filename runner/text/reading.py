"""Read files whose names may come from an inventory, with a size limit and without blocking.

A device may never end, a named pipe waits for a writer, and a sparse file of a few bytes on disk can fill
the memory.
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
        OSError: The file cannot be opened, or is not a regular file.
    """
    file = open(path, "rb", opener=_at_once)  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return file


def contents(
    path: str | os.PathLike[str], limit: int, *, pipes: bool = False, pipe_s: float | None = None
) -> bytes:
    """Return the whole content of a file; `/dev/null` is empty.

    Args:
        path: The file.
        limit: Most bytes that it may hold.
        pipes: Whether a flag names it: then it may also be our standard input or a shell's `<(command)`.
        pipe_s: Seconds in which such a pipe has to end; None for no limit.

    Raises:
        OSError: The file cannot be read, is not a regular file, or is larger than the limit.
    """
    content = beginning(path, limit + 1, pipes=pipes, pipe_s=pipe_s)
    if len(content) > limit:
        raise _too_large(path, limit)
    return content


def beginning(
    path: str | os.PathLike[str], most: int, *, pipes: bool = False, pipe_s: float | None = None
) -> bytes:
    """Return the beginning of a file; like `contents`, but a longer file is cut off.

    Raises:
        OSError: The file cannot be read, or is not a regular file.
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
    """Refuse a file that another program might read without end; a missing one passes.

    Raises:
        OSError: The file is neither regular nor `/dev/null`, or is larger than the limit.
    """
    if os.fspath(path) == os.devnull:
        return
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
    except (FileNotFoundError, PermissionError):
        return  # the other program reports it
    if size > limit:
        raise _too_large(path, limit)


def _too_large(path: str | os.PathLike[str], limit: int) -> OSError:
    return OSError(errno.EFBIG, f"larger than the limit of {limit:,} bytes", os.fspath(path))


def _to_the_end(descriptor: int, most: int, seconds: float | None) -> bytes:
    """Read up to the end or the limit, within the time limit; refuse a device that is not a terminal."""
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
    """Open without waiting for a pipe's writer, and without making a terminal the controlling one."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
