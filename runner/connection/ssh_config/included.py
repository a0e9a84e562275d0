"""Find the files that an `Include` pattern of `ssh_config` matches, within a limit (glob(7))."""

from __future__ import annotations

import fnmatch
import glob
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["folders", "included"]

_MOST = 20_000
"""Maximum number of files and folders to look at for one pattern: `/*/*/*/*` is the whole disk."""


def included(pattern: str) -> list[str]:
    """Return the paths that match a pattern, sorted.

    Raises:
        ValueError: There are too many names to look at.
    """
    return sorted(_Search().paths(pattern))


def folders(pattern: str) -> set[str]:
    """Return the folders whose change may change the matches of a pattern.

    Raises:
        ValueError: There are too many names to look at.
    """
    folder = os.path.dirname(pattern)  # noqa: PTH120 - a pattern, not a path
    above = folders(folder) if glob.has_magic(folder) else ()
    return {folder, *_Search().paths(folder), *above}


class _Search:
    """One search, which counts the names that it looks at."""

    def __init__(self) -> None:
        self._looked = 0

    def paths(self, pattern: str) -> list[str]:
        """Return the paths that match a pattern."""
        if not glob.has_magic(pattern):
            return [pattern] if os.path.lexists(pattern) else []
        folder, name = os.path.split(pattern)
        above = self.paths(folder) if folder and folder != pattern else [folder]
        return [path for each in above for path in self._inside(each, name)]

    def _inside(self, folder: str, name: str) -> Iterator[str]:
        if not glob.has_magic(name):
            self._count()
            path = os.path.join(folder, name)  # noqa: PTH118 - texts, as above
            yield from [path] if os.path.lexists(path) else []
            return
        try:
            with os.scandir(folder or ".") as found:
                names = [self._counted(each.name) for each in found]
        except OSError:  # not a folder, or not readable
            return
        for each in fnmatch.filter(names, name):
            if not each.startswith(".") or name.startswith("."):
                yield os.path.join(folder, each)  # noqa: PTH118 - as above

    def _count(self) -> None:
        self._looked += 1
        if self._looked > _MOST:
            raise ValueError(f"an Include that makes us look at more than {_MOST:,} files")

    def _counted(self, name: str) -> str:
        self._count()
        return name
