"""Files and folders, in one form for this machine and for hosts."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MAX_DEPTH", "MAX_ENTRIES", "MAX_NAME", "MAX_PATHS", "Entry", "Files", "Kind"]

MAX_ENTRIES = 100_000
"""Most files and folders in one transfer: a host could list folders without end."""

MAX_PATHS = 2**25
"""Most characters in all paths of one transfer together."""

MAX_NAME = 1020
"""Most bytes in one name: 255 characters of UTF-8; no file system allows more."""

MAX_DEPTH = 100
"""Most levels of nested folders in one transfer."""


class Kind(Enum):
    """The type of a file-system entry."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    SPECIAL = "special file"

    @classmethod
    def of(cls, mode: int | None) -> Kind:
        """Return the type in an `st_mode`; assume a file without one, because SFTP servers may omit it."""
        if mode is None or stat.S_ISREG(mode) or not stat.S_IFMT(mode):
            return cls.FILE
        if stat.S_ISDIR(mode):
            return cls.FOLDER
        return cls.LINK if stat.S_ISLNK(mode) else cls.SPECIAL


@dataclass(frozen=True, slots=True)
class Entry:
    """The attributes of a file, folder, link or special file.

    Attributes:
        kind: Its type.
        size: Its size in bytes, as reported by the other side: not reliable.
        mode: Permission bits; None if not known.
        mtime: Time of its last change, in seconds since 1970; None if not known.
        owner: User and group ids; None if not known.
    """

    kind: Kind
    size: int = 0
    mode: int | None = None
    mtime: int | None = None
    owner: tuple[int, int] | None = None


class Files(Protocol):
    """The files of a host or of this machine. Paths are absolute; each method raises `HostError` if refused.

    Attributes:
        atomic: Whether a file can be written under a temporary name and then be renamed.
    """

    atomic: bool

    def absolute(self, path: str) -> str:
        """Return the absolute path of a path that may be relative to the home folder."""

    def resolved(self, path: str) -> str:
        """Return an absolute path with all links resolved."""

    def user(self, folder: str) -> int | None:
        """Return the id of the user who owns newly created files; None if it is not known.

        Args:
            folder: A folder in which a test file may be created to see its owner.
        """

    def look(self, path: str, *, follow: bool = True) -> Entry | None:
        """Return the entry at a path; None if there is none."""

    def names(self, path: str) -> Iterator[tuple[str, Entry]]:
        """Return the entries in a folder, without following links."""

    def make_folder(self, path: str, mode: int) -> None:
        """Create a folder in an existing one."""

    def write(self, path: str, content: Iterable[bytes], entry: Entry) -> None:
        """Create a new file with the given content, and with the entry's mode, owner and time if set."""

    def read(self, path: str, entry: Entry) -> Iterator[bytes]:
        """Return the content of a file, in chunks; `entry` holds its reported size."""

    def replace(self, old: str, new: str) -> None:
        """Rename a file within its folder, replacing a file of the new name."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def set_mode(self, path: str, mode: int) -> None:
        """Change a file's permission bits."""

    def digests(self, paths: Sequence[str], *, read_back: bool) -> Sequence[str | None] | None:
        """Return files' SHA-256 sums in hexadecimal digits.

        Args:
            paths: The files.
            read_back: Whether to read the files back if the other side cannot compute their sums.

        Returns:
            The sums, with None for a file that cannot be read; None if no sums are available.
        """

    def close(self) -> None:
        """Release the connection to the files."""
