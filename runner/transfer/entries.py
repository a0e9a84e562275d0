"""What a name in a folder stands for, here and on hosts alike."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MAX_DEPTH", "MAX_ENTRIES", "MAX_NAME", "MAX_PATHS", "Entry", "Files", "Kind"]

MAX_ENTRIES = 100_000
"""Names that one transfer takes at most: a host may list folders without end."""

MAX_PATHS = 2**25
"""Characters that the paths of all of these have at most, together."""

MAX_NAME = 1020
"""Bytes of one name: 255 characters of UTF-8, more than which no file system has."""

MAX_DEPTH = 100
"""Folders in folders that one transfer takes at most."""


class Kind(Enum):
    """What something is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special file"

    @classmethod
    def of(cls, mode: int | None) -> Kind:
        """Return what an `st_mode` says; without one a file is assumed, as SFTP servers may leave it out."""
        if mode is None or stat.S_ISREG(mode) or not stat.S_IFMT(mode):
            return cls.FILE
        if stat.S_ISDIR(mode):
            return cls.FOLDER
        return cls.LINK if stat.S_ISLNK(mode) else cls.SPECIAL


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or what else a name stands for.

    Attributes:
        kind: What it is.
        size: Bytes in it, as far as the other side tells the truth.
        mode: Permission bits; None where they are not known.
        mtime: When it was changed, in seconds since 1970; None where that is not known.
        owner: Numbers of user and group; None where they are not known.
    """

    kind: Kind
    size: int = 0
    mode: int | None = None
    mtime: int | None = None
    owner: tuple[int, int] | None = None


class Files(Protocol):
    """The files of a host. Paths are absolute; every method raises `HostError` where it is refused.

    Attributes:
        atomic: Whether a file can be written beside its place and then be given its name at one stroke.
    """

    atomic: bool

    def absolute(self, path: str) -> str:
        """Return the absolute path of what may be relative to the home folder."""

    def resolved(self, path: str) -> str:
        """Return an absolute path without links on the way."""

    def user(self, folder: str) -> int | None:
        """Return the number of the user as whom files are made; None if that cannot be told.

        Args:
            folder: A folder in which one may be made, to see whose it is.
        """

    def look(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return what a path stands for; None where there is nothing."""

    def names(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Return what is in a folder, without following links."""

    def make_folder(self, path: str, mode: int) -> None:
        """Make a folder in one that exists."""

    def write(self, path: str, content: Iterable[bytes], entry: Entry) -> None:
        """Make a new file with a content, and with the mode, owner and time of an entry as far as given."""

    def read(self, path: str, entry: Entry) -> Iterator[bytes]:
        """Return the content of a file, which was told to be as an entry says."""

    def replace(self, old: str, new: str) -> None:
        """Give a file another name in its folder, in place of what has that name."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def set_mode(self, path: str, mode: int) -> None:
        """Change a file's permission bits."""

    def digests(self, paths: Sequence[str], *, read_back: bool) -> Sequence[str | None] | None:
        """Return files' SHA-256 sums in hexadecimal digits.

        Args:
            paths: The files.
            read_back: Whether to fetch and sum up what the other side cannot sum up itself.

        Returns:
            None where the sums cannot be told; None in a sum's place where that file cannot be read.
        """

    def close(self) -> None:
        """Let go of them."""
