"""Ansible's `constructed` plugin: variables and groups computed from earlier sources.

A file with `plugin: constructed` holds `compose` (variable -> expression), `groups` (group -> condition) and
`keyed_groups` (a group for each value of an expression). Its expressions see the hosts and inline variables
of the sources before it; with `use_vars_plugins: true`, also their variables files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import HostError, InventoryError
from runner.inventory.parsing.values import GivenText, UnsafeText
from runner.inventory.resolved import Means, ResolvedVariables
from runner.inventory.rules import valid_group_name
from runner.inventory.templating import TemplateError, UndefinedNameError, evaluate, render
from runner.inventory.variable_files import VariableFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from runner.inventory.graph import GroupNode, HostNode
    from runner.inventory.loading import Loading

__all__ = ["read_constructed"]

_OPTIONS = frozenset(
    {
        "plugin",
        "compose",
        "groups",
        "keyed_groups",
        "strict",
        "use_vars_plugins",
        "use_extra_vars",
        "leading_separator",
    }
)


def read_constructed(path: str, configuration: dict[Any, Any], loading: Loading) -> None:
    """Compute variables and groups for every host that is known so far.

    Args:
        path: The file.
        configuration: The content of the file.
        loading: The load, with the hosts of earlier sources, which are extended.

    Raises:
        InventoryError: An option has an invalid value, or an expression fails with `strict: true`.
    """
    for option in configuration:
        if option not in _OPTIONS:
            loading.warn(f"{path}: {option!r} is not an option of constructed")
    constructed = _Constructed(
        path,
        loading,
        compose=_mapping(configuration, "compose", path),
        groups=_mapping(configuration, "groups", path),
        keyed=_keyed(configuration, path),
        strict=bool(configuration.get("strict")),
        leading_separator=configuration.get("leading_separator", True) is not False,
        files=bool(configuration.get("use_vars_plugins")),
    )
    for host in list(loading.graph.hosts.values()):
        constructed.extend(host)


def _mapping(configuration: dict[Any, Any], option: str, path: str) -> dict[str, Any]:
    value = configuration.get(option) or {}
    if not isinstance(value, dict):
        raise InventoryError(f"{option} must be a mapping, found {value!r}", path=path)
    return value


def _keyed(configuration: dict[Any, Any], path: str) -> list[dict[str, Any]]:
    value = configuration.get("keyed_groups") or []
    if not isinstance(value, list) or not all(isinstance(item, dict) and item for item in value):
        raise InventoryError("keyed_groups must be a list of mappings", path=path)
    for item in value:
        if item.get("default_value") is not None and item.get("trailing_separator") is not None:
            raise InventoryError("default_value and trailing_separator exclude each other", path=path)
    return value


@dataclass(slots=True)
class _Constructed:
    """Applies one constructed file to hosts."""

    path: str
    loading: Loading
    compose: dict[str, Any]
    groups: dict[str, Any]
    keyed: list[dict[str, Any]]
    strict: bool
    leading_separator: bool
    files: bool
    _depths: dict[str, int] = field(default_factory=dict)
    _edges: int = -1
    _folders: list[VariableFolder] | None = None

    def extend(self, host: HostNode) -> None:
        """Add the computed variables and groups of one host."""
        graph, lookup = self.loading.graph, self._lookup(host)
        for name, expression in self.compose.items():
            for value in self._attempt(host, name, evaluate, expression, lookup):
                graph.set_variables(host.name, {name: _taken_over(value)}, path=self.path)
        lookup = self._lookup(host)
        for name, condition in self.groups.items():
            if any(self._attempt(host, name, _condition, condition, lookup)):
                graph.add_host(host.name, graph.add_group(valid_group_name(str(name))))
        for keyed in self.keyed:
            for key in self._attempt(host, "key", evaluate, keyed.get("key"), lookup):
                for parent in self._attempt(host, "parent_group", _parent, keyed.get("parent_group"), lookup):
                    self._key(host, keyed, key, parent)

    def _attempt(
        self,
        host: HostNode,
        what: object,
        work: Callable[[str, Callable[[str], Any]], Any],
        expression: object,
        lookup: Callable[[str], Any],
    ) -> Iterator[Any]:
        """Yield the value of an expression; nothing if a name in it does not exist and `strict` is off."""
        try:
            yield work(str(expression), lookup)
        except (UndefinedNameError, _NotAConditionError, HostError) as exc:
            if self.strict:
                raise InventoryError(f"{host.name}: {what}: {exc}", path=self.path) from exc
        except TemplateError as exc:
            message = f"{host.name}: {what}: {exc}"
            raise InventoryError(message, path=self.path, text=str(expression)) from exc

    def _key(self, host: HostNode, keyed: dict[str, Any], key: Any, parent: Any) -> None:
        """Put a host into the groups that one entry of `keyed_groups` gives it."""
        if key or (key in (None, "") and keyed.get("default_value") is not None):
            self._add(host, keyed, _group_names(key, keyed, self.path), parent)
        elif self.strict and key not in ([], {}):
            raise InventoryError(f"{host.name}: key {keyed.get('key')} is empty", path=self.path)

    def _add(self, host: HostNode, keyed: dict[str, Any], names: list[str], parent: Any) -> None:
        graph = self.loading.graph
        prefix = keyed.get("prefix") or ""
        separator = keyed.get("separator", "_")
        if not prefix and not self.leading_separator:
            separator = ""
        for name in names:
            group = graph.add_group(valid_group_name(f"{prefix}{separator}{name}"))
            graph.add_host(host.name, group)
            if parent:
                above = graph.add_group(valid_group_name(str(parent)))
                graph.add_child(above.name, group.name)

    def _lookup(self, host: HostNode) -> Callable[[str], Any]:
        """Return a function that looks up a host's variables in their present state."""
        groups = self._groups(host)
        folders, combined = self._variable_folders(), self.loading.options.rules.combined
        inline = [group.variables for group in groups]
        files = [folder.of_group(group.name) for folder in folders for group in groups]
        own = combined([host.variables, *[folder.of_host(host.name) for folder in folders]])
        variables = combined([combined([*inline, *files]), own])
        source = host.source
        magic = {
            "inventory_hostname": host.name,
            "inventory_hostname_short": host.name.split(".")[0],
            "group_names": sorted(group.name for group in groups if group.name != "all"),
            "inventory_file": source,
            "inventory_dir": os.path.dirname(source) if source else None,  # noqa: PTH120
        }
        means = Means(lambda _host: magic, self.loading.options.vault)
        return ResolvedVariables(host.name, {}, _given(variables), means).lookup

    def _groups(self, host: HostNode) -> list[GroupNode]:
        """Return every group of a host, weakest first."""
        graph = self.loading.graph
        if graph.edges != self._edges:
            self._edges, self._depths = graph.edges, graph.depths()
        found = {parent.name: parent for parent in host.parents}
        for parent in host.parents:
            found.update(parent.ancestors())
        return sorted(
            found.values(), key=lambda group: (self._depths.get(group.name, 0), group.priority, group.name)
        )

    def _variable_folders(self) -> list[VariableFolder]:
        """Return the variable folders next to the sources so far, if `use_vars_plugins` is set."""
        if self._folders is None:
            folders = dict.fromkeys(
                path if os.path.isdir(path) else os.path.dirname(path)  # noqa: PTH112, PTH120
                for path in self.loading.files
                if self.files and path != self.path
            )
            self._folders = [VariableFolder(folder, self.loading) for folder in folders]
        return self._folders


class _NotAConditionError(Exception):
    """The value of a condition is not true or false; Ansible refuses that since 2.19."""


def _parent(template: str, lookup: Callable[[str], Any]) -> Any:
    """Return the name of a parent group, if one is set."""
    return None if template == str(None) else render(template, lookup)


def _condition(expression: str, lookup: Callable[[str], Any]) -> bool:
    """Evaluate the condition of a group."""
    value = evaluate(expression, lookup)
    if not isinstance(value, bool):
        raise _NotAConditionError(f"a condition must be true or false, found {value!r}"[:200])
    return value


def _group_names(key: Any, keyed: Mapping[str, Any], path: str) -> list[str]:
    """Return the group names that a key's value gives, without the prefix."""
    default = keyed.get("default_value")

    def or_default(value: Any) -> str:
        return str(default if value in (None, "") and default is not None else value)

    if key in (None, "") or isinstance(key, str):
        return [or_default(key)]
    if isinstance(key, list):
        return [or_default(item) for item in key]
    if not isinstance(key, dict):
        raise InventoryError(f"a key must give a text, a list or a mapping, found {key!r}"[:200], path=path)
    separator = keyed.get("separator", "_")
    bare = keyed.get("trailing_separator") is False
    return [
        str(name) if bare and value in (None, "") else f"{name}{separator}{or_default(value)}"
        for name, value in key.items()
    ]


def _given(value: Any) -> Any:
    """Mark the texts of a value as written by a source."""
    if isinstance(value, str):
        return str(value) if isinstance(value, UnsafeText) else GivenText(value)
    if isinstance(value, dict):
        return {name: _given(item) for name, item in value.items()}
    return [_given(item) for item in value] if isinstance(value, list) else value


def _taken_over(value: Any) -> Any:
    """Turn a result into a variable's value: a text that an expression made is not a template."""
    if isinstance(value, str):
        return str(value) if isinstance(value, GivenText) else UnsafeText(value)
    if isinstance(value, dict):
        return {name: _taken_over(item) for name, item in value.items()}
    return [_taken_over(item) for item in value] if isinstance(value, (list, tuple)) else value
