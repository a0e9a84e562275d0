"""An inventory plugin for Ansible that reads all our sources: CSV, Nornir, ssh_config and any other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleParserError
from ansible.parsing.vault import EncryptedString
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.template import trust_as_template

from runner.errors import RunnerError
from runner.inventory import load
from runner.inventory.parsing.values import UnsafeText, VaultText

if TYPE_CHECKING:
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader

    from runner.inventory.graph import Graph, GroupNode, HostNode

__all__ = ["InventoryModule"]

DOCUMENTATION = """
name: runner
short_description: Hosts, groups and variables of any source that invoke-runner reads
description:
  - Reads CSV tables, Nornir inventories, OpenSSH client configurations and every other inventory source
    that is installed for invoke-runner.
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [runner]
  sources:
    description: Files, folders or C(FORMAT:PATH) texts; relative paths begin in the folder of this file.
    type: list
    elements: str
    required: true
"""


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """Reads `plugin: runner` files."""

    NAME = "runner"

    def verify_file(self, path: str) -> bool:
        """Accept YAML files; Ansible has already checked for `plugin: runner`."""
        return bool(super().verify_file(path)) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Read the sources and add their hosts, groups and variables.

        Raises:
            AnsibleParserError: A source cannot be read.
        """
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
        try:
            graph = load(*(_beside(folder, source) for source in self.get_option("sources"))).graph
        except RunnerError as exc:
            raise AnsibleParserError(str(exc)) from exc
        self._add(graph)

    def _add(self, graph: Graph) -> None:
        for host in graph.hosts.values():
            self.inventory.add_host(host.name)
            self._set(host)
        for group in graph.groups.values():
            self.inventory.add_group(group.name)
            self._set(group)
        for group in graph.groups.values():
            for name in (*group.children, *group.hosts):
                self.inventory.add_child(group.name, name)

    def _set(self, node: HostNode | GroupNode) -> None:
        for name, value in node.variables.items():
            self.inventory.set_variable(node.name, name, _tagged(value))


def _beside(folder: str, source: str) -> str:
    """Make a relative path begin in a folder, also after a format name."""
    name, colon, rest = source.rpartition(":")
    return f"{name}{colon}{os.path.join(folder, rest)}"  # noqa: PTH118


def _tagged(value: Any) -> Any:
    """Mark for Ansible which texts are templates and which are encrypted."""
    if isinstance(value, VaultText):
        return EncryptedString(ciphertext=value.ciphertext)
    if isinstance(value, UnsafeText):
        return str(value)
    if isinstance(value, str):
        return trust_as_template(str(value))
    if isinstance(value, dict):
        return {key: _tagged(item) for key, item in value.items()}
    return [_tagged(item) for item in value] if isinstance(value, list) else value
