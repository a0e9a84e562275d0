"""A folder of sources, read in byte order of their names, subfolders included."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.errors import InventoryError
from runner.inventory.loading import BrokenSource
from runner.inventory.sources import read

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["DIRECTORY", "Directory"]


class _EmptyFolderError(InventoryError):
    """A folder without a single source."""


class Directory:
    """A folder of sources."""

    order = 20

    def claims(self, source: str) -> bool:
        """Accept a folder."""
        return os.path.isdir(source)  # noqa: PTH112 - a source is a text, which need not be a path

    def read(self, source: str, loading: Loading) -> None:
        """Read every source in the folder; a broken one stops the load with an error that names it.

        A subfolder without a source, and a README that is not a source, are skipped with a warning.

        Raises:
            InventoryError: The folder or a source in it cannot be read, or a link makes the folder contain
                itself.
        """
        before = loading.graph.source
        try:
            names = sorted(os.listdir(source), key=os.fsencode)  # noqa: PTH208
        except OSError as exc:
            raise InventoryError(f"cannot be read: {exc.strerror}", path=source) from exc
        ignored = loading.options.rules.ignored
        counted = [name for name in names if not ignored.search(name)]
        if not counted:
            raise _EmptyFolderError("no inventory in this folder", path=source)
        for name in counted:
            path = f"{source.rstrip('/')}/{name}"
            _refuse_loop(path)
            _read_entry(name, path, loading)
        loading.graph.source = before


def _read_entry(name: str, path: str, loading: Loading) -> None:
    """Read one entry of a folder."""
    try:
        loading.read_source(path, read)
    except BrokenSource:
        raise
    except _EmptyFolderError as exc:
        loading.warn(f"{exc}; passed over")
    except InventoryError as exc:
        if name.upper() != "README":
            raise
        raise BrokenSource(path, exc) from exc


def _refuse_loop(path: str) -> None:
    """Refuse a link to a folder that contains the link: reading it would never end."""
    if os.path.islink(path) and os.path.isdir(path):  # noqa: PTH112, PTH114
        target, here = os.path.realpath(path), os.path.realpath(os.path.dirname(path))  # noqa: PTH120
        if f"{here}/".startswith(f"{target.rstrip('/')}/"):
            raise InventoryError(
                "this link points to a folder that contains it: reading it would never end", path=path
            )


DIRECTORY = Directory()
