"""Variable precedence: which value of a variable applies to a host.

Ansible's order, weakest first (its documentation, "Understanding variable precedence"):

- inline variables of `all`, then of the other groups;
- `group_vars/all` next to the sources, then next to the playbook;
- `group_vars/GROUP` next to the sources, then next to the playbook;
- inline variables of the host;
- `host_vars` next to the sources, then next to the playbook.

Among groups the deeper one wins, then the one with the higher `ansible_group_priority`, then the later name.
A value replaces a weaker one completely. Ansible's `precedence` can change the order of the group variables,
and `hash_behaviour = merge` merges mappings (`Rules`).
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.inventory.graph import ALL
from runner.inventory.sources import split_format
from runner.inventory.variable_files import VariableFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.inventory.graph import Graph, GroupNode, HostNode
    from runner.inventory.loading import Loading

__all__ = ["INTERNAL_NAMES", "Share", "VariableTable"]

INTERNAL_NAMES = frozenset(
    {
        "ansible_async_path",
        "ansible_collection_name",
        "ansible_config_file",
        "ansible_dependent_role_names",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_forks",
        "ansible_inventory_sources",
        "ansible_limit",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_role_names",
        "ansible_playbook_python",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_version",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "groups",
        "group_names",
        "hostvars",
        "playbook_dir",
        "play_hosts",
        "role_name",
        "role_names",
        "role_path",
        "role_uuid",
    }
)
"""Names that Ansible sets itself, and so leaves out of every listing, even if the inventory sets them too."""


class Share(NamedTuple):
    """The data shared by hosts of the same groups; must not be changed.

    Attributes:
        groups: The names of their groups without `all`, weakest first.
        variables: The variables from their groups.
    """

    groups: tuple[str, ...]
    variables: Mapping[str, Any]


class VariableTable:
    """Computes the variables of one host at a time, and those of a set of groups only once.

    Args:
        graph: The finished graph.
        sources: The sources as they were given; their folders may hold variables.
        loading: The load, which reads the files.
    """

    def __init__(self, graph: Graph, sources: Sequence[str], loading: Loading) -> None:
        self._graph = graph
        self._rules = loading.options.rules
        self._depths = graph.depths()
        bases = [base for base in map(_folder_of, sources) if base is not None]
        self.beside_sources = [VariableFolder(base, loading) for base in bases]
        self.beside_playbook = VariableFolder(loading.options.playbook_dir, loading)
        self._playbook_given = loading.options.playbook_given
        self._ordered: dict[tuple[object, ...], tuple[GroupNode, ...]] = {}
        self._shares: dict[tuple[object, ...], Share] = {}

    @property
    def folders(self) -> list[VariableFolder]:
        """Every folder that may hold variables, weakest first."""
        return [*self.beside_sources, self.beside_playbook]

    @cached_property
    def _about_hosts(self) -> list[VariableFolder]:
        """The folders that hold variables of hosts; few do."""
        return [folder for folder in self.folders if folder.has_hosts()]

    def signature(self, host: HostNode) -> tuple[object, ...]:
        """Return a key of a host's groups: hosts with the same key get the same variables from groups."""
        return (host.lost, *[parent.name for parent in host.parents])

    def groups_of(self, host: HostNode) -> tuple[GroupNode, ...]:
        """Return every group of a host except `all`, weakest first."""
        signature = self.signature(host)
        if signature not in self._ordered:
            found = {parent.name: parent for parent in host.parents}
            for parent in host.parents:
                found.update(parent.ancestors())
            found.pop(ALL, None)
            for name in host.lost:
                found.pop(name, None)
            self._ordered[signature] = tuple(sorted(found.values(), key=self._strength))
        return self._ordered[signature]

    def _strength(self, group: GroupNode) -> tuple[int, int, str]:
        return self._depths[group.name], group.priority, group.name

    def share(self, host: HostNode) -> Share:
        """Return the data that a host gets from its groups, computed once for hosts of the same groups."""
        signature = self.signature(host)
        share = self._shares.get(signature)
        if share is None:
            groups = self.groups_of(host)
            variables = self._rules.combined(
                folder.of_group(group.name) if folder else group.variables
                for group, folder in self.group_places(groups)
            )
            share = self._shares[signature] = Share(tuple([group.name for group in groups]), variables)
        return share

    def group_places(self, groups: Sequence[GroupNode]) -> Iterator[tuple[GroupNode, VariableFolder | None]]:
        """Yield the places that set variables of groups, weakest first.

        A place is a group, and the folder whose files set them; None if the source itself does.
        """
        folders: dict[str, Sequence[VariableFolder | None]] = {
            "inventory": [None],
            "plugins_inventory": self.beside_sources,
            "plugins_play": [self.beside_playbook],
        }
        for entry in self._rules.precedence:
            whose, _, kind = entry.partition("_")
            for folder in folders[kind]:
                for group in (self._graph.groups[ALL],) if whose == ALL else groups:
                    yield group, folder

    def own(self, host: HostNode) -> Mapping[str, Any]:
        """Return a host's own variables, from sources and from `host_vars`.

        If mappings are merged, each value includes the mapping that it is merged into.
        """
        layers = [host.variables, *[folder.of_host(host.name) for folder in self._about_hosts]]
        if not any(layers[1:]) and not self._rules.merge:
            return host.variables
        if not self._rules.merge:
            return self._rules.combined(layers)
        together = self._rules.combined([self.share(host).variables, *layers])
        return {name: together[name] for layer in layers for name in layer}

    def of_host(self, host: HostNode) -> dict[str, Any]:
        """Return every variable of a host, with templates not filled in."""
        return {**self.share(host).variables, **self.own(host)}

    def of_group(self, group: GroupNode) -> dict[str, Any]:
        """Return the variables that `ansible-inventory` shows for a group.

        Files in the playbook's folder are used only if that folder was given.
        """
        folders = self.folders if self._playbook_given else self.beside_sources
        files = [folder.of_group(group.name) for folder in folders]
        merged = self._rules.combined([group.variables, *files])
        if group.priority != 1:
            merged["ansible_group_priority"] = group.priority
        return merged

    def exported(self, host: HostNode) -> dict[str, Any]:
        """Return a host's own variables; the playbook's `host_vars` only if that folder was given."""
        folders = self.folders if self._playbook_given else self.beside_sources
        return self._rules.combined([host.variables, *[folder.of_host(host.name) for folder in folders]])


def _folder_of(source: str) -> str | None:
    """Return the folder whose variables belong to a source; None for a host list."""
    _, source = split_format(source)
    if os.path.isdir(source):  # noqa: PTH112
        return source
    if not os.path.exists(source) and "," in source:  # noqa: PTH110
        return None
    return os.path.dirname(source) or "."  # noqa: PTH120
