"""Export an inventory, variable files included, as one YAML file that gives Ansible the same inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from yaml.cyaml import CSafeDumper

from runner.inventory.graph import ALL
from runner.inventory.parsing.values import UnsafeText, VaultText
from runner.inventory.variables import INTERNAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.inventory.graph import GroupNode, HostNode
    from runner.inventory.inventory import Inventory

__all__ = ["yaml_text"]


class _Dumper(CSafeDumper):
    """Writes tagged texts with their tags, and repeated values in full: aliases are hard to read."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _vault(dumper: _Dumper, value: VaultText) -> yaml.ScalarNode:
    return dumper.represent_scalar("!vault", value.ciphertext, style="|")


def _unsafe(dumper: _Dumper, value: UnsafeText) -> yaml.ScalarNode:
    return dumper.represent_scalar("!unsafe", str(value), style="'")


_Dumper.add_representer(VaultText, _vault)
_Dumper.add_representer(UnsafeText, _unsafe)


def yaml_text(inventory: Inventory) -> str:
    """Return the whole inventory as YAML, without filling in templates or decrypting.

    Raises:
        InventoryError: A variables file cannot be read.
    """
    document = _Exporter(inventory).document()
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)


class _Exporter:
    """Builds the document.

    In Ansible, the `group_vars` files of any group override the inline variables of all groups, but one YAML
    file has only inline variables. If a host would get another value that way, the value is written with the
    host.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._table = inventory.table
        self._written: set[str] = set()
        self._hosts: set[str] = set()

    def document(self) -> dict[str, Any]:
        """Return the document."""
        top = self._inventory.graph.groups[ALL]
        return {ALL: self._group(top)}

    def _group(self, group: GroupNode) -> dict[str, Any]:
        self._written.add(group.name)
        section: dict[str, Any] = {}
        if variables := self._group_variables(group):
            section["vars"] = variables
        if hosts := self._members(group):
            section["hosts"] = hosts
        if group.children:
            section["children"] = {
                name: None if name in self._written else self._group(child) or None
                for name, child in group.children.items()
            }
        return section

    def _group_variables(self, group: GroupNode) -> dict[str, Any]:
        """Return the variables that sources and files set for a group."""
        variables = dict(group.variables)
        for folder in self._table.folders:
            variables.update(folder.of_group(group.name))
        variables.pop("ansible_group_priority", None)
        if group.priority != 1:
            variables["ansible_group_priority"] = group.priority
        return _without_internal(variables)

    def _members(self, group: GroupNode) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for name, host in group.hosts.items():
            first = name not in self._hosts
            self._hosts.add(name)
            members[name] = (self._own(host) or None) if first else None
        return members

    def _own(self, host: HostNode) -> dict[str, Any]:
        """Return a host's own variables, and those for which its exported groups give another value."""
        inherited: dict[str, Any] = {}
        groups: Iterable[GroupNode] = (self._inventory.graph.groups[ALL], *self._table.groups_of(host))
        for group in groups:
            inherited.update(self._group_variables(group))
        wanted = _without_internal(self._table.of_host(host))
        return {
            name: value
            for name, value in wanted.items()
            if name not in inherited or not _same(inherited[name], value) or name in host.variables
        }


def _same(one: Any, other: Any) -> bool:
    """Compare values and their types: 1 is not true, and an unsafe text is not a plain text."""
    return type(one) is type(other) and bool(one == other)


def _without_internal(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in INTERNAL_NAMES}
