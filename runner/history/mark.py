"""The mark of a run whose record is exact so far: a file next to the database.

A run that was killed and a run whose record could not be written any more look alike in the database: neither
has an end. After a kill the record is exact, for each host is recorded before it is started. So the mark is
made before the run begins, and removed when the record fails: to remove a file needs neither the lock of the
database nor room on the disk.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["has_mark", "place_mark", "remove_mark"]


def place_mark(database: Path, run: str) -> None:
    """Mark the record of a run as exact, for as long as the run goes on.

    Raises:
        OSError: The mark cannot be made.
    """
    os.close(os.open(_path(database, run), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    _sync(database.parent)


def remove_mark(database: Path, run: str) -> None:
    """Remove the mark: the run has its end in the record, or the record is not kept any more.

    Raises:
        OSError: The mark cannot be removed.
    """
    _path(database, run).unlink(missing_ok=True)
    _sync(database.parent)


def has_mark(database: Path, run: str) -> bool:
    """Return whether the record of a run was exact when the run was last at work."""
    return _path(database, run).exists()


def _path(database: Path, run: str) -> Path:
    return database.with_name(f"{database.name}-{run}.kept")


def _sync(folder: Path) -> None:
    """Write the folder to the disk: the mark has to outlast a power cut, and so has its removal."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
