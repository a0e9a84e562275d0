"""Paths that somebody gave: what `~` means in them, and whether a run can, and may, write there."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from runner.errors import UsageError

__all__ = ["checked", "expanded", "refuse_foreign", "writable"]


def checked(what: str, path: str) -> str:
    """Return a path, unless it is empty, which would mean the current folder, or cannot be a path.

    Args:
        what: What the path is for, for the message.
        path: The path.

    Raises:
        UsageError: It is empty, or holds a NUL character.
    """
    if not path or "\0" in path:
        raise UsageError(f"{what}: {path!r} is not a path")
    return path


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


def refuse_foreign(path: Path) -> None:
    """Refuse a path to write to that another user has made before us.

    That is a link of another user, which leads anywhere, and any entry that another user has made in a folder
    that is writable by all.

    Raises:
        PermissionError: It is one of these.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if found.st_uid in (0, os.geteuid()):
        return
    if stat.S_ISLNK(found.st_mode) or path.absolute().parent.stat().st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, f"another user (uid {found.st_uid}) has made it; name another")


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
        refuse_foreign(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as exc:
        raise UsageError(f"{flag} {path!r}: {getattr(exc, 'strerror', None) or exc}") from exc
    return folder
