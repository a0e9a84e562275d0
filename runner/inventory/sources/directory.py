"""A folder of sources, read in byte order of their names, folders in it likewise."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from runner.errors import InventoryError
from runner.inventory.sources import read

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["DIRECTORY", "Directory"]

_IGNORED = re.compile(
    r"^\.|^(?:host_vars|group_vars|vars_plugins)$|"
    r"(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$"
)
"""What Ansible 2.19 passes over in a folder (INVENTORY_IGNORE_EXTS and the names that are always ignored)."""


class Directory:
    """A folder of sources."""

    order = 20

    def claims(self, source: str) -> bool:
        """Take a folder."""
        return os.path.isdir(source)  # noqa: PTH112 - a source is a text, which need not be a path

    def read(self, source: str, loading: Loading) -> None:
        """Read every source in the folder; one that is broken is named and stops the load.

        Raises:
            InventoryError: One of them cannot be read, the folder cannot, or links make it hold itself.
        """
        before = loading.graph.source
        try:
            names = sorted(os.listdir(source), key=os.fsencode)  # noqa: PTH208
        except OSError as exc:
            raise InventoryError(f"cannot be read: {exc.strerror}", path=source) from exc
        counted = [name for name in names if not _IGNORED.search(name)]
        if not counted:
            raise InventoryError("no inventory in this folder", path=source)
        for name in counted:
            path = f"{source.rstrip('/')}/{name}"
            _refuse_loop(path)
            loading.read_source(path, read)
        loading.graph.source = before


def _refuse_loop(path: str) -> None:
    """Stop at a link to a folder that the link itself stands in: it has no end."""
    if os.path.islink(path) and os.path.isdir(path):  # noqa: PTH112, PTH114
        target, here = os.path.realpath(path), os.path.realpath(os.path.dirname(path))  # noqa: PTH120
        if f"{here}/".startswith(f"{target.rstrip('/')}/"):
            raise InventoryError("a link to a folder that it stands in has no end", path=path)


DIRECTORY = Directory()
