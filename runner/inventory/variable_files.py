"""Variables in files: `group_vars/NAME` and `host_vars/NAME`, next to an inventory or a playbook.

For each name, the first that exists is used: `NAME`, `NAME.yml`, `NAME.yaml` or `NAME.json`. A folder is read
in byte order of its names, subfolders included. A file that no selected host needs is never opened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.inventory.loading import Loading

__all__ = ["VariableFolder"]

_SUFFIXES = ("", ".yml", ".yaml", ".json")
_MAX_DEPTH = 20


class VariableFolder:
    """The `group_vars` and `host_vars` next to one inventory or playbook.

    Args:
        base: The folder that may hold them.
        loading: The load, which reads the files.
    """

    def __init__(self, base: str, loading: Loading) -> None:
        self.base = os.path.realpath(base)
        self._loading = loading
        self._trusted = loading.trusted(self.base)
        self._entries: dict[str, frozenset[str]] = {}
        self._read: dict[tuple[str, str], Mapping[str, Any]] = {}

    def of_group(self, name: str) -> Mapping[str, Any]:
        """Return the variables that files set for a group.

        Raises:
            InventoryError: A file cannot be read as variables.
        """
        return self._variables("group_vars", name)

    def has_hosts(self) -> bool:
        """Return whether there are files for any host.

        Raises:
            InventoryError: The folder exists but cannot be listed.
        """
        return bool(self._listing("host_vars"))

    def of_host(self, name: str) -> Mapping[str, Any]:
        """Return the variables that files set for a host.

        Raises:
            InventoryError: A file cannot be read as variables.
        """
        return self._variables("host_vars", name)

    def files(self, kind: str, name: str) -> list[str]:
        """List the files that hold variables of a name, weakest first.

        Args:
            kind: `group_vars` or `host_vars`.
            name: The group or host.
        """
        folder = f"{self.base}/{kind}"
        entries = self._listing(kind)
        if not entries or name.startswith("/") or ".." in name.split("/"):
            return []
        first = name.partition("/")[0]
        for suffix in _SUFFIXES:
            if (f"{name}{suffix}" in entries) or (first != name and first in entries):
                path = f"{folder}/{name}{suffix}"
                if os.path.isdir(path):  # noqa: PTH112
                    self._warn_of_hidden(folder, name, suffix)
                    return list(_files_in(path, 0))
                if os.path.exists(path):  # noqa: PTH110
                    self._warn_of_hidden(folder, name, suffix)
                    return [path]
        return []

    def _warn_of_hidden(self, folder: str, name: str, chosen: str) -> None:
        """Warn about entries that are not read because of another one: such a fault takes hours to find."""
        entries = self._listing(os.path.basename(folder))  # noqa: PTH119
        for suffix in _SUFFIXES[_SUFFIXES.index(chosen) + 1 :]:
            if f"{name}{suffix}" in entries:
                self._loading.warn(f"{folder}/{name}{suffix}: not read, because {name}{chosen} is there")

    def _listing(self, kind: str) -> frozenset[str]:
        """List a folder only once, because thousands of hosts look up four names each."""
        if kind not in self._entries:
            try:
                self._entries[kind] = frozenset(os.listdir(f"{self.base}/{kind}"))  # noqa: PTH208
            except (FileNotFoundError, NotADirectoryError):
                self._entries[kind] = frozenset()
            except OSError as exc:
                path = f"{self.base}/{kind}"
                raise InventoryError(f"cannot be read: {exc.strerror}", path=path) from exc
            if self._entries[kind]:
                self._loading.check_found(f"{self.base}/{kind}", self._trusted)
        return self._entries[kind]

    def _variables(self, kind: str, name: str) -> Mapping[str, Any]:
        key = (kind, name)
        if key not in self._read:
            paths = self.files(kind, name)
            for path in paths:
                self._loading.check_found(path, self._trusted)
            read = [self._loading.variables_file(path) for path in paths]
            self._read[key] = read[0] if len(read) == 1 else self._loading.options.rules.combined(read)
        return self._read[key]


def _files_in(folder: str, depth: int) -> Iterator[str]:
    """Yield the variables files in a folder and its subfolders."""
    if depth > _MAX_DEPTH:
        raise InventoryError(f"folders nested deeper than {_MAX_DEPTH} levels", path=folder)
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as exc:
        raise InventoryError(f"cannot be read: {exc.strerror}", path=folder) from exc
    for name in names:
        if name.startswith(".") or name.endswith("~"):
            continue
        path, suffix = f"{folder}/{name}", os.path.splitext(name)[1]  # noqa: PTH122
        if os.path.isdir(path) and not suffix:  # noqa: PTH112
            yield from _files_in(path, depth + 1)
        elif os.path.isfile(path) and suffix in _SUFFIXES:  # noqa: PTH113
            yield path
