"""The files of this machine."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner.text import reading
from runner.transfer.digest import of_local
from runner.transfer.entries import Entry, Kind
from runner.transfer.errors import failed, here, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["LocalFiles"]

_CHUNK = 2**18


class LocalFiles:
    """The files of this machine; see `Files`."""

    atomic = True

    def absolute(self, path: str) -> str:
        """Return the absolute path; `~` is the user's home folder.

        Raises:
            TransferFailed: `~user` names a user that does not exist.
        """
        try:
            return os.path.normpath(Path(path).expanduser().absolute())
        except RuntimeError as exc:
            raise failed(f"{shown(path)}: there is no such user", "no-such-file") from exc

    def resolved(self, path: str) -> str:
        """Return a path with all links resolved."""
        return os.path.realpath(path)

    def user(self, folder: str) -> int | None:  # noqa: ARG002 - not needed here
        """Return the id of the user who owns newly created files."""
        return os.geteuid()

    def look(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return the entry at a path; None if there is none."""
        with here(path):
            try:
                return _entry(Path(path).stat(follow_symlinks=follow))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def names(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Return the entries in a folder."""
        with here(path), os.scandir(path) as found:
            for item in found:
                yield item.name, _entry(item.stat(follow_symlinks=False))

    def make_folder(self, path: str, mode: int) -> None:
        """Create a folder, and missing folders above it."""
        with here(path):
            Path(path).parent.mkdir(0o700, parents=True, exist_ok=True)
            Path(path).mkdir(mode)

    def write(self, path: str, content: Iterable[bytes], entry: Entry) -> None:
        """Create a new file, private until it is complete; remove it if writing fails."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with here(path):
            descriptor = os.open(path, flags, 0o600)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                for part in content:
                    with here(path):
                        _write_all(file.fileno(), part)
                with here(path):
                    _dress(file.fileno(), entry)
        except BaseException:
            with suppress(OSError):
                Path(path).unlink()
            raise

    def read(self, path: str, entry: Entry) -> Iterator[bytes]:  # noqa: ARG002 - the system knows the size
        """Return a file's content."""
        with here(path):
            opened = reading.opened(path)  # the file may have been replaced by a pipe since
        with opened as file:
            while True:
                with here(path):
                    part = file.read(_CHUNK)
                if not part:
                    return
                yield part

    def replace(self, old: str, new: str) -> None:
        """Rename a file, replacing a file of the new name."""
        with here(new):
            Path(old).replace(new)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with here(path):
            Path(path).unlink()

    def set_mode(self, path: str, mode: int) -> None:
        """Change a file's permission bits."""
        with here(path):
            Path(path).chmod(mode)

    def digests(self, paths: Sequence[str], *, read_back: bool = True) -> Sequence[str | None]:  # noqa: ARG002
        """Return files' SHA-256 sums."""
        return [of_local(path) for path in paths]

    def close(self) -> None:
        """Do nothing: nothing is open."""


def _entry(found: os.stat_result) -> Entry:
    mtime = int(found.st_mtime)
    return Entry(
        kind=Kind.of(found.st_mode),
        size=found.st_size,
        mode=stat.S_IMODE(found.st_mode),
        mtime=mtime if 0 <= mtime < 2**32 else None,
        owner=(found.st_uid, found.st_gid),
    )


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _dress(descriptor: int, entry: Entry) -> None:
    """Set an open file's owner, if permitted, and its mode and time."""
    if entry.owner is not None:
        with suppress(OSError):
            os.fchown(descriptor, *entry.owner)
    if entry.mode is not None:
        os.fchmod(descriptor, entry.mode)
    if entry.mtime is not None:
        os.utime(descriptor, (entry.mtime, entry.mtime))
