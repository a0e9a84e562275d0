"""Paths that somebody gave: what `~` means in them, and whether a run can write there, before it starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runner.errors import UsageError

__all__ = ["expanded", "writable"]


def expanded(flag: str, path: str) -> Path:
    """Return a path with `~` and `~user` as the folders that they stand for.

    Args:
        flag: What names it, for the message.
        path: The path.

    Raises:
        UsageError: There is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise UsageError(f"{flag} {path!r}: {exc}") from exc


def writable(flag: str, path: str) -> Path:
    """Return a folder that files can be made in; made, for its owner alone, where it does not exist.

    Args:
        flag: What names it, for the message.
        path: The folder.

    Raises:
        UsageError: No file can be made in it.
    """
    folder = expanded(flag, path)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as exc:
        raise UsageError(f"{flag} {path!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return folder
