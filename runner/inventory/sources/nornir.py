"""Nornir's SimpleInventory: `hosts.yaml`, `groups.yaml` and `defaults.yaml` in one folder.

A host's value is the one in its own entry, else that of the first of its groups that has one (a group also
has the values of its own groups), else the default. `hostname`, `port`, `username`, `password` and `platform`
become connection variables; `data` holds the other variables.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.graph import ALL, UNGROUPED
from runner.inventory.parsing.malformed import NotThisFormat
from runner.platforms.names import known

if TYPE_CHECKING:
    from runner.inventory.loading import Loading

__all__ = ["NORNIR", "Nornir"]

_VARIABLES = {
    "hostname": "ansible_host",
    "port": "ansible_port",
    "username": "ansible_user",
    "password": "ansible_password",
    "platform": "ansible_network_os",
    "connection_options": "connection_options",
}
_KEYS = frozenset({*_VARIABLES, "groups", "data"})
_SUFFIXES = (".yaml", ".yml")


class Nornir:
    """A folder with `hosts.yaml` and at least one of the other two files, or its `hosts.yaml`."""

    order = 15

    def claims(self, source: str) -> bool:
        """Accept a folder or file by file names; `read` then checks whether the content is Nornir's."""
        folder, name = (source, "") if os.path.isdir(source) else os.path.split(source)  # noqa: PTH112
        hosts = _file(folder, "hosts")
        if hosts is None or name not in ("", os.path.basename(hosts)):  # noqa: PTH119
            return False
        return (_file(folder, "groups") or _file(folder, "defaults")) is not None

    def read(self, source: str, loading: Loading) -> None:
        """Read the three files.

        Raises:
            NotThisFormat: `hosts.yaml` is not Nornir's.
            InventoryError: A file has an error, or a group is not defined.
        """
        folder = source if os.path.isdir(source) else os.path.dirname(source)  # noqa: PTH112, PTH120
        hosts = _mapping(folder, "hosts", loading)
        entries = [entry for entry in hosts.values() if entry]
        if not entries or not all(isinstance(entry, dict) and entry.keys() <= _KEYS for entry in entries):
            raise NotThisFormat("not a Nornir inventory", path=source)
        defaults = _mapping(folder, "defaults", loading)
        reader = _Reader(source, _mapping(folder, "groups", loading), defaults, loading)
        loading.graph.source = source
        for name, entry in hosts.items():
            reader.host(name, entry or {})


def _file(folder: str, name: str) -> str | None:
    """Return the path of one of the three files, if it is there."""
    paths = [os.path.join(folder, name + suffix) for suffix in _SUFFIXES]  # noqa: PTH118
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113


def _mapping(folder: str, name: str, loading: Loading) -> dict[str, Any]:
    path = _file(folder, name)
    if path is None:
        return {}
    loading.check_found(path, loading.trusted(os.path.realpath(folder)))
    value = loading.document(loading.read_text(path), path) or {}
    if not isinstance(value, dict):
        raise NotThisFormat("expected a mapping", path=path)
    return value


def _own(entry: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the variables that an entry sets itself."""
    data = entry.get("data") or {}
    if not isinstance(data, dict):
        raise InventoryError(f"data must be a mapping, found {data!r}"[:200], path=path)
    named = {
        _VARIABLES[key]: value for key, value in entry.items() if key in _VARIABLES and value is not None
    }
    if not known(named.get("ansible_network_os")) and "ansible_network_os" in named:
        named["platform"] = named.pop("ansible_network_os")  # a word of the operator's own
    return {**data, **named}


class _Reader:
    """Adds hosts with the variables that they get from their groups."""

    def __init__(self, path: str, groups: dict[str, Any], defaults: dict[str, Any], loading: Loading) -> None:
        self._path = path
        self._groups = groups
        self._graph = loading.graph
        self._done: dict[str, dict[str, Any]] = {}
        self._defaults = _own(defaults, path)
        self._graph.set_variables(ALL, self._defaults)

    def host(self, name: Any, entry: dict[str, Any]) -> None:
        """Add one host."""
        groups = self._group_names(entry, name)
        inherited: dict[str, Any] = {}
        for group in groups:
            inherited = {**self._group(group, ()), **inherited}
        node = self._graph.add_host(name, None if groups else self._graph.groups[UNGROUPED])
        for group in groups:
            self._graph.add_host(node.name, self._graph.groups[group])
        # In Nornir each host orders its groups itself, so the values from groups are set on the host.
        self._graph.set_variables(node.name, {**inherited, **_own(entry, self._path)})

    def _group(self, name: str, above: tuple[str, ...]) -> dict[str, Any]:
        """Return the variables from a group, and add the group to the graph on first use."""
        if name in above:
            raise InventoryError(f"groups form a cycle: {' > '.join([*above, name])}", path=self._path)
        if name not in self._done:
            if name not in self._groups:
                raise InventoryError(f"group {name!r} is not in groups.yaml", path=self._path, text=name)
            entry = self._groups[name] or {}
            if not isinstance(entry, dict):
                raise InventoryError(
                    f"group {name!r} must be a mapping", path=self._path, text=str(entry)[:60]
                )
            self._graph.add_group(name)
            variables = _own(entry, self._path)
            self._graph.set_variables(name, variables)
            for parent in self._group_names(entry, name):
                variables = {**self._group(parent, (*above, name)), **variables}
                self._graph.add_child(parent, name)
            self._done[name] = variables
        return self._done[name]

    def _group_names(self, entry: dict[str, Any], name: Any) -> list[str]:
        groups = entry.get("groups") or []
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise InventoryError(f"the groups of {name} must be a list of names", path=self._path)
        return groups


NORNIR = Nornir()
