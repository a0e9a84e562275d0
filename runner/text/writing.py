"""Writing files whole or not at all.

A full disk must not leave half a line in a file, nor half a file in the place of another.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["append", "replace"]


def append(descriptor: int, data: bytes, *, sync: bool = False) -> None:
    """Append to an open file, all or nothing.

    Args:
        descriptor: The file, opened with `O_APPEND`.
        data: What to append; if there is room, in one write, so that no other line comes between.
        sync: Whether to wait until it is on the disk.

    Raises:
        OSError: Not all of it could be written. The part that was written is cut off again, unless another
            program has appended something after it.
    """
    size, left = os.fstat(descriptor).st_size, memoryview(data)
    try:
        while left:  # a disk that is about to be full takes a part, and says so at the next write
            left = left[os.write(descriptor, left) :]
        if sync:
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            if os.fstat(descriptor).st_size == size + len(data) - len(left):
                os.ftruncate(descriptor, size)
        raise


def replace(path: Path, data: bytes, like: os.stat_result | None = None, *, sync: bool = False) -> None:
    """Put a new file in the place of the file of that name, whole or not at all.

    Args:
        path: The file, without links on the way that are to stay.
        data: What is in it.
        like: Mode and owner that it gets, the latter as far as the system lets us; else it is readable by its
            owner alone.
        sync: Whether to wait until the file is on the disk.

    Raises:
        OSError: It could not be written; the file of that name is left as it was.
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
