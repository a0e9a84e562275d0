"""A file next to the database marks a run whose record is exact so far.

A killed run and a run whose record could not be completed look the same in the database: neither has an end.
After a kill the record is exact, because each host is recorded before it is started. So the mark is created
before the run begins, and removed if recording fails: removing a file needs neither the database lock nor
free disk space.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["has_mark", "place_mark", "remove_mark"]


def place_mark(database: Path, run: str) -> None:
    """Mark the record of a running run as exact.

    Raises:
        OSError: The mark cannot be created.
    """
    os.close(os.open(_path(database, run), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    _sync(database.parent)


def remove_mark(database: Path, run: str) -> None:
    """Remove the mark: the end of the run is recorded, or recording has failed.

    Raises:
        OSError: The mark cannot be removed.
    """
    _path(database, run).unlink(missing_ok=True)
    _sync(database.parent)


def has_mark(database: Path, run: str) -> bool:
    """Return whether the record of a run was exact when the run was last active."""
    return _path(database, run).exists()


def _path(database: Path, run: str) -> Path:
    return database.with_name(f"{database.name}-{run}.kept")


def _sync(folder: Path) -> None:
    """Sync the folder to disk: the mark, and its removal, must survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
