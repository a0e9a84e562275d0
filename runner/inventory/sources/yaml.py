"""YAML and JSON inventories: groups with `hosts`, `children` and `vars`."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.addresses import expand, split_port
from runner.inventory.graph import Graph
from runner.inventory.parsing.malformed import NotADocument, NotThisFormat
from runner.inventory.sources import is_file
from runner.inventory.sources.plugin_file import read_plugin_file

if TYPE_CHECKING:
    from runner.inventory.graph import GroupNode
    from runner.inventory.loading import Loading

__all__ = ["YAML", "Yaml", "read_groups"]

_SUFFIXES = frozenset({"", ".yml", ".yaml", ".json"})
_SECTIONS = ("vars", "children", "hosts")
_NO_MAPPING = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*(?:\w[\w.-]*|\[[\w:.-]+\])[ \t]*\r?\n")
"""A first line, after comments, that is a bare word or one in brackets, as in INI: a YAML key has its colon
on the same line."""


class Yaml:
    """YAML, and JSON, which is read as YAML; files with `plugin:` are handed to the plugin they name."""

    order = 50

    def claims(self, source: str) -> bool:
        """Accept a file without a suffix, or with one of YAML or JSON."""
        return os.path.splitext(source)[1] in _SUFFIXES and is_file(source)  # noqa: PTH122

    def read(self, source: str, loading: Loading) -> None:
        """Read groups, hosts and variables.

        Raises:
            NotThisFormat: The text is not YAML, or not a mapping of groups.
            InventoryError: It is YAML, but not an inventory.
        """
        text = loading.read_text(source)
        if not os.path.splitext(source)[1] and _NO_MAPPING.match(text):  # noqa: PTH122
            # Checked without libyaml, because loading it takes longer than reading such a file.
            raise NotThisFormat("the top level must be a mapping of groups; no key begins it", path=source)
        try:
            document = loading.document(text, source)
        except NotADocument as exc:
            raise NotThisFormat(
                exc.message, path=source, line=exc.line, column=exc.column, text=exc.text
            ) from exc
        groups = _mapping_of_groups(document, source)
        if groups.get("plugin"):
            read_plugin_file(source, groups, loading)
            return
        loading.graph.source = source
        try:
            read_groups(groups, source, loading)
        except InventoryError as exc:
            raise exc if exc.line else _with_place(exc, text, source, loading) from exc


def _with_place(exc: InventoryError, text: str, path: str, loading: Loading) -> InventoryError:
    """Find the position of an error: read again, this time with the position of each key."""
    again = replace(loading, graph=Graph(rules=loading.options.rules), warnings={}, located=True)
    try:
        read_groups(again.document(text, path), path, again)
    except InventoryError as placed:
        return placed
    return InventoryError(exc.message, path=path, text=exc.text)


def _mapping_of_groups(document: Any, path: str) -> dict[Any, Any]:
    """Return the document if it can be an inventory."""
    if not document:
        raise NotThisFormat("an empty document; expected a mapping of groups", path=path)
    if not isinstance(document, dict):
        found = "a list" if isinstance(document, list) else "a single value"
        raise NotThisFormat(f"the top level must be a mapping of groups, found {found}", path=path)
    named = path.endswith((".yml", ".yaml", ".json"))
    if not named and not any(value is None or isinstance(value, dict) for value in document.values()):
        raise NotThisFormat("no key of the top level is a group", path=path)
    return document


def read_groups(groups: dict[Any, Any], path: str, loading: Loading) -> None:
    """Read a mapping of groups into the graph.

    Raises:
        InventoryError: A group, host or section is not valid; with its position if the mapping knows it.
    """
    reader = _Reader(path, loading)
    for name in groups:
        reader.group(groups, name)


class _Reader:
    """Reads the groups of one document. Methods get a mapping and a key, which together have a position."""

    def __init__(self, path: str, loading: Loading) -> None:
        self._path = path
        self._loading = loading
        self._graph: Graph = loading.graph

    def _error(self, message: str, mapping: dict[Any, Any], key: Any) -> InventoryError:
        line, column = getattr(mapping, "places", {}).get(key, (None, None))
        return InventoryError(message, path=self._path, line=line, column=column, text=str(key))

    def _at(self, exc: InventoryError, mapping: dict[Any, Any], key: Any) -> InventoryError:
        return exc if exc.path else self._error(exc.message, mapping, key)

    def group(self, groups: dict[Any, Any], name: Any) -> GroupNode | None:
        """Read the group `name` of a mapping; return None if it is not a group."""
        content = groups[name]
        if content is not None and not isinstance(content, dict):
            self._warn(groups, name, f"{name!r} is not a group: a group is a mapping; skipped")
            # Ansible still puts it under its parent, which works if another source created the group.
            return self._graph.groups.get(name) if isinstance(name, str) else None
        try:
            group = self._graph.add_group(name)
        except InventoryError as exc:
            raise self._at(exc, groups, name) from exc
        if content:
            self._sections(content, group)
        return group

    def _warn(self, mapping: dict[Any, Any], key: Any, message: str) -> None:
        line = getattr(mapping, "places", {}).get(key, (None,))[0]
        self._loading.warn(f"{self._path}{f':{line}' if line else ''}: {message}")

    def _sections(self, content: dict[Any, Any], group: GroupNode) -> None:
        sections = {key: self._section(content, key, group) for key in content}
        for key, section in sections.items():
            if section is None:
                continue
            if key == "vars":
                self._variables(group.name, section, content, key)
            elif key == "hosts":
                for pattern in section:
                    self._host(section, pattern, group)
            else:
                for name in section:
                    self._child(section, name, group)

    def _section(self, content: dict[Any, Any], key: Any, group: GroupNode) -> dict[Any, Any] | None:
        """Return one section as a mapping; a text counts as its only key."""
        section = content[key]
        if key not in _SECTIONS:
            if section is not None:
                self._warn(
                    content, key, f"{key!r} in group {group.name!r} is not vars, children or hosts; skipped"
                )
            return None
        if isinstance(section, str):
            return {section: None}
        if section is not None and not isinstance(section, dict):
            found = "a list ('- …')" if isinstance(section, list) else f"{section!r}"
            raise self._error(f"{group.name}.{key} must be a mapping ('name:'), found {found}", content, key)
        return section

    def _child(self, section: dict[Any, Any], name: Any, group: GroupNode) -> None:
        child = self.group(section, name)
        try:
            self._graph.add_child(group.name, child.name if child else str(name))
        except InventoryError as exc:
            raise self._at(exc, section, name) from exc

    def _host(self, section: dict[Any, Any], pattern: Any, group: GroupNode) -> None:
        variables = section[pattern] or {}
        if not isinstance(variables, dict):
            raise self._error(
                f"{pattern}: variables must be a mapping, found {variables!r}", section, pattern
            )
        if not isinstance(pattern, str):
            raise self._error("a host name must be a text; quote it", section, pattern)
        try:
            name, port = split_port(pattern)
            for host in expand(name):
                self._graph.add_host(host, group, port)
                self._variables(host, variables, section, pattern)
        except InventoryError as exc:
            raise self._at(exc, section, pattern) from exc

    def _variables(self, name: str, variables: dict[Any, Any], mapping: dict[Any, Any], key: Any) -> None:
        try:
            self._graph.set_variables(name, variables)
        except InventoryError as exc:
            raise self._at(exc, mapping, key) from exc


YAML = Yaml()
