"""The finished inventory: its hosts, the hosts that a pattern selects, and the variables of each host."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError, PatternError
from runner.interpreter import at_rest
from runner.inventory.graph import Graph
from runner.inventory.loading import BrokenSource, Loading, Options
from runner.inventory.parsing.values import Constant
from runner.inventory.patterns import LOCALHOST, PatternMatcher, nearest
from runner.inventory.resolved import HostVariables, Means, ResolvedVariables, TemplateVariables
from runner.inventory.sources import read, split_format
from runner.inventory.templating.services import Services
from runner.inventory.variables import INTERNAL_NAMES, VariableTable
from runner.models import Host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.inventory.graph import HostNode
    from runner.inventory.vault import Vault

__all__ = ["Inventory", "load"]


_ANSIBLE_VERSION = {"full": "2.19.0", "major": 2, "minor": 19, "revision": 0, "string": "2.19.0"}
"""The Ansible version that our reading of inventories and our templates are compared with."""


def load(
    *sources: str | os.PathLike[str],
    playbook_dir: str | os.PathLike[str] | None = None,
    vault: Vault | None = None,
    partial: bool = False,
    options: Options | None = None,
) -> Inventory:
    """Read inventory sources, in the order given, into one inventory.

    Args:
        sources: Files, folders, scripts, `host1,host2,` lists, or `FORMAT:PATH` to name a format.
        playbook_dir: The folder whose `group_vars` and `host_vars` are used as those next to a playbook; None
            for the current folder.
        vault: Decrypts encrypted values.
        partial: Whether to skip a source that cannot be read, with a warning.
        options: Limits, and defaults for the three arguments before.

    Raises:
        InventoryError: A source cannot be read; the message names the place of the error.
    """
    given = options or Options()
    given = replace(given, vault=vault or given.vault, partial=partial or given.partial)
    if playbook_dir is not None:
        given = replace(given, playbook_dir=os.fspath(playbook_dir), playbook_given=True)
    return Inventory([_absolute(os.fspath(source)) for source in sources], given)


def _absolute(source: str) -> str:
    """Make a path absolute without resolving links; return a host list or any other text unchanged."""
    if "," in source and not os.path.lexists(source):
        return source
    name, rest = split_format(source)
    expanded = os.path.expandvars(os.path.expanduser(rest))  # noqa: PTH111
    path = os.path.abspath(expanded) if os.path.lexists(expanded) else rest  # noqa: PTH100
    return f"{name}:{path}" if name else path


class Inventory:
    """Hosts, groups and variables of some sources. They do not change after the load.

    A variable is computed on first use, so selecting from ten thousand hosts computes none.

    Attributes:
        sources: The sources as they were read, paths absolute.
        options: How they were read.
        graph: The hosts and groups as they were read, for listings.
    """

    def __init__(self, sources: Sequence[str], options: Options) -> None:
        self.sources = tuple(sources)
        self.options = options
        graph = Graph(trace=options.traced, rules=options.rules)
        with at_rest():
            loading = Loading(options, self.sources, graph=graph, located=options.traced)
            self._loading = _read_all(self.sources, loading)
        self.graph = self._loading.graph
        self._matcher = PatternMatcher(self.graph, self._loading.read_text, self._loading.warn)
        self._hostvars = HostVariables(self.graph.hosts, self._variables_in_templates)

    @cached_property
    def table(self) -> VariableTable:
        """The table that computes variables, for listings."""
        return VariableTable(self.graph, self.sources, self._loading)

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each doubtful thing read so far; files read later on demand may add more."""
        return tuple(self._loading.warnings)

    @property
    def groups(self) -> tuple[str, ...]:
        """The name of every group, in order of first mention; `all` and `ungrouped` are among them."""
        return tuple(self.graph.groups)

    def traced(self) -> Loading:
        """Return a load that knows the place of every setting: this one if it does, else a new one.

        Raises:
            InventoryError: A source can no longer be read.
        """
        if self.options.traced:
            return self._loading
        return Inventory(self.sources, replace(self.options, traced=True, told=None))._loading  # noqa: SLF001 - same class

    def __len__(self) -> int:
        return len(self.graph.hosts)

    def __contains__(self, name: object) -> bool:
        return name in self.graph.hosts

    def names(
        self, pattern: str | Sequence[str] = "all", limit: str | Sequence[str] | None = None
    ) -> tuple[str, ...]:
        """Return the names of the hosts that a pattern selects, without computing variables.

        Args:
            pattern: A host pattern.
            limit: A second pattern that the hosts must also match.

        Raises:
            PatternError: The pattern cannot be read, or names something that the inventory does not have.
        """
        return tuple([node.name for node in self._matcher.select(pattern, limit)])

    def select(
        self,
        pattern: str | Sequence[str] = "all",
        limit: str | Sequence[str] | None = None,
        *,
        template_all: bool = False,
    ) -> tuple[Host, ...]:
        """Return the hosts that a pattern selects, each with its variables.

        Args:
            pattern: A host pattern.
            limit: A second pattern that the hosts must also match.
            template_all: Whether to fill in the templates of every variable, not only of `ansible_…`.

        Raises:
            PatternError: The pattern cannot be read, or names something that the inventory does not have.
            InventoryError: A variables file that one of the hosts needs cannot be read.
        """
        nodes = self._matcher.select(pattern, limit)
        return tuple([self._host(node, template_all=template_all) for node in nodes])

    def host(self, name: str, *, template_all: bool = False) -> Host:
        """Return one host with its variables.

        Args:
            name: Its name in the inventory, or `localhost`.
            template_all: Whether to fill in the templates of every variable, not only of `ansible_…`.

        Raises:
            PatternError: The host does not exist.
            InventoryError: A variables file that it needs cannot be read.
        """
        return self._host(self._node(name), template_all=template_all)

    def _node(self, name: str) -> HostNode:
        node = self.graph.hosts.get(name)
        if node is None and name in LOCALHOST:
            node = self._matcher.localhost(name)
        if node is None:
            raise PatternError(f"no host {name!r}{nearest(name, self.graph.hosts)}", text=name)
        return node

    def _host(self, node: HostNode, *, template_all: bool) -> Host:
        share, own = self.table.share(node), self.table.own(node)
        means = self._templating_all if template_all else self._templating
        return Host(node.name, ResolvedVariables(node.name, share.variables, own, means), share.groups)

    @cached_property
    def _templating(self) -> Means:
        return Means(self._magic, self.options.vault, services=self._services)

    @cached_property
    def _templating_all(self) -> Means:
        return self._templating._replace(template_all=True)

    def _services(self, host: str) -> Services:
        """Return the services for the lookups in a host's templates."""
        pipe = self._piped if self.options.allow_commands else None
        return Services(read=partial(self._read_beside, host), pipe=pipe, hosts=self._names_or_none)

    def _names_or_none(self, pattern: str) -> tuple[str, ...]:
        """Return the names that a pattern selects; none for a pattern error, as Ansible's lookup does."""
        try:
            return self.names(pattern)
        except PatternError:
            return ()

    def _read_beside(self, host: str, path: str) -> str:
        """Return the text of a file in the inventory's or the playbook's folder, for the lookup `file`."""
        from runner.inventory.templating import TemplateError  # noqa: PLC0415 - loads Jinja

        source = self._node(host).source
        folders = [os.path.dirname(source)] if source else []  # noqa: PTH120
        for folder in (*folders, self.options.playbook_dir):
            for within in (f"{folder}/files/{path}", f"{folder}/{path}"):
                full = os.path.realpath(path if os.path.isabs(path) else within)  # noqa: PTH117
                if full.startswith(f"{os.path.realpath(folder)}/") and os.path.exists(full):  # noqa: PTH110
                    try:
                        return self._loading.read_text(full)
                    except InventoryError as exc:
                        raise TemplateError(f"lookup 'file': {exc}") from exc
        raise KeyError(path)

    def _piped(self, command: str) -> str:
        """Run a shell command in the playbook's folder, as Ansible's `pipe` lookup does."""
        from runner.inventory.processes import output  # noqa: PLC0415 - few inventories run a program
        from runner.inventory.templating import TemplateError  # noqa: PLC0415 - loads Jinja

        options = self.options
        argv = ["/bin/sh", "-c", f'cd -- "$1" && {command}', "sh", options.playbook_dir]
        try:
            text = output(argv, timeout_s=options.script_timeout_s, max_bytes=options.max_script_bytes)
        except InventoryError as exc:
            raise TemplateError(f"lookup 'pipe': {command[:80]!r} {exc.message}") from exc
        return text.rstrip()

    def _variables_in_templates(self, name: str, means: Means | None = None) -> ResolvedVariables:
        node = self._node(name)
        share, own = self.table.share(node), self.table.own(node)
        return TemplateVariables(node.name, share.variables, own, means or self._templating_all)

    def _magic(self, name: str) -> dict[str, Any]:
        """Return the special variables that only the templates of a host see."""
        node = self._node(name)
        folder = os.path.dirname(node.source) if node.source else None  # noqa: PTH120
        return {
            "inventory_hostname": node.name,
            "inventory_hostname_short": node.name.split(".")[0],
            "inventory_file": node.source,
            "inventory_dir": folder,
            "playbook_dir": self.options.playbook_dir,
            "ansible_playbook_python": sys.executable,
            "ansible_version": _ANSIBLE_VERSION,
            "group_names": sorted(self.table.share(node).groups),
            "hostvars": self._hostvars,
            "groups": self._hosts_of_groups,
        }

    @cached_property
    def _hosts_of_groups(self) -> Constant:
        """The host names in each group, which templates see as `groups`."""
        return Constant({name: list(group.all_hosts()) for name, group in self.graph.groups.items()})

    def variables(self, name: str) -> Mapping[str, Any]:
        """Return every variable of a host as `ansible-inventory --host` shows it: templates not filled in.

        Raises:
            PatternError: The host does not exist.
            InventoryError: A variables file that it needs cannot be read.
        """
        variables = self.table.of_host(self._node(name))
        return {key: value for key, value in variables.items() if key not in INTERNAL_NAMES}

    def filled_in(self, name: str) -> ResolvedVariables:
        """Return the variables of a host for display: templates filled in, but nothing decrypted.

        Raises:
            PatternError: The host does not exist.
            InventoryError: A variables file that it needs cannot be read.
        """

        def magic(host: str) -> dict[str, Any]:
            return {**self._magic(host), "hostvars": HostVariables(self.graph.hosts, of_host)}

        def of_host(host: str) -> ResolvedVariables:
            return self._variables_in_templates(host, means)

        means = self._templating_all._replace(magic=magic, vault=None, closed="is not shown")
        return of_host(name)


def _read_all(sources: Sequence[str], loading: Loading) -> Loading:
    """Read every source that is not broken, then complete the graph."""
    try:
        for source in sources:
            loading.read_source(source, read)
    except BrokenSource as exc:
        left_out = {**loading.left_out, exc.source: exc.error}
        again = replace(
            loading,
            graph=Graph(trace=loading.graph.trace, rules=loading.options.rules),
            warnings={},
            files=[],
            left_out=left_out,
        )
        return _read_all(sources, again)
    for error in loading.left_out.values():
        loading.warn(f"{error}; left out")
    graph = loading.graph
    graph.source = None
    try:
        graph.reconcile()
    except InventoryError as exc:  # an error in the whole graph does not belong to one line
        raise InventoryError(exc.message, path=", ".join(sources), text=exc.text) from exc
    if graph.rules.group_names.warns:
        for name, kept in graph.renamed.items():
            loading.warn(f"group {name!r} is read as {kept!r} (force_valid_group_names = always)")
    for name in graph.groups.keys() & graph.hosts.keys():
        loading.warn(f"{name!r} is a group and a host: variables of the host may be set for the group")
    return loading
