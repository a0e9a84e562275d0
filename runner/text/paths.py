"""Check paths from the operator: expand `~`, and make sure that a run can and may write there."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

from runner.errors import UsageError

__all__ = ["checked", "expanded", "refuse_foreign", "writable"]


def checked(what: str, path: str) -> str:
    """Return a path; refuse an empty one, which would mean the current folder, and an invalid one.

    Args:
        what: The purpose of the path, for the message.
        path: The path.

    Raises:
        UsageError: It is empty, or holds a NUL character.
    """
    if not path or "\0" in path:
        raise UsageError(f"{what}: {path!r} is not a path")
    return path


def expanded(flag: str, path: str) -> Path:
    """Return a path with `~` and `~user` expanded.

    Args:
        flag: The flag that gives it, for the message.
        path: The path.

    Raises:
        UsageError: The user does not exist.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as exc:
        raise UsageError(f"{flag} {path!r}: {exc}") from exc


def refuse_foreign(path: Path) -> None:
    """Refuse an output path that another user created before us.

    Refused are another user's link, which may lead anywhere, and any entry of another user in a
    world-writable folder.

    Raises:
        PermissionError: The path is such a link or entry.
    """
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    if found.st_uid in (0, os.geteuid()):
        return
    if stat.S_ISLNK(found.st_mode) or path.absolute().parent.stat().st_mode & stat.S_IWOTH:
        raise PermissionError(
            errno.EPERM, f"another user (uid {found.st_uid}) created it; choose another path"
        )


def writable(flag: str, path: str) -> Path:
    """Return a folder after a test that files can be created in it; create it, private, if missing.

    Args:
        flag: The flag that gives it, for the message.
        path: The folder.

    Raises:
        UsageError: No file can be created in it.
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
