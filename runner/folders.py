"""Folders that a run writes into: whether it can is known before it starts."""

from __future__ import annotations

import tempfile
from pathlib import Path

from runner.errors import UsageError

__all__ = ["writable"]


def writable(flag: str, path: str) -> Path:
    """Return a folder that files can be made in; made, for its owner alone, where it does not exist.

    Args:
        flag: What names it, for the message.
        path: The folder; `~` is the user's.

    Raises:
        UsageError: No file can be made in it.
    """
    try:
        folder = Path(path).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError, ValueError) as exc:
        raise UsageError(f"{flag} {path!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return folder
