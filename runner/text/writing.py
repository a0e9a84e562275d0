"""Write files completely or not at all.

A full disk must not leave half a line in a file, or replace a file by half of a new one.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["append", "open_to_append", "replace"]


def open_to_append(path: Path, flags: int = 0) -> int:
    """Open a file of this user for appending, made private if it is new; return its descriptor.

    Args:
        path: The file.
        flags: Further flags of open(2), such as `O_EXCL`.

    Raises:
        OSError: It cannot be opened, or is not a regular file of this user.
    """
    flags |= os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    raise PermissionError(errno.EPERM, f"another user has replaced {path.name}")


def append(descriptor: int, data: bytes, *, sync: bool = False) -> None:
    """Append to an open file, completely or not at all.

    Args:
        descriptor: The file, opened with `O_APPEND`.
        data: The bytes; if there is room, they are written in one call, so that no other line comes between.
        sync: Whether to wait until the data is on the disk.

    Raises:
        OSError: Not all bytes could be written. The part that was written is removed, unless another
            program has appended to the file since.
    """
    size, left = os.fstat(descriptor).st_size, memoryview(data)
    try:
        while left:  # a nearly full disk accepts a part; the next write then fails
            left = left[os.write(descriptor, left) :]
        if sync:
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            if os.fstat(descriptor).st_size == size + len(data) - len(left):
                os.ftruncate(descriptor, size)
        raise


def replace(path: Path, data: bytes, like: os.stat_result | None = None, *, sync: bool = False) -> None:
    """Replace a file by a new one, completely or not at all.

    Args:
        path: The file. A link at this path is replaced, not followed.
        data: The new content.
        like: The mode and owner for the new file, the owner only if permitted; None makes it private.
        sync: Whether to wait until the file is on the disk.

    Raises:
        OSError: The file could not be written; the old one is unchanged.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.write(data)
            if like is not None:
                os.fchmod(new.fileno(), like.st_mode & 0o7777)
                with suppress(PermissionError):
                    os.fchown(new.fileno(), like.st_uid, like.st_gid)
            new.flush()
            if sync:
                os.fsync(new.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
