"""TOML inventories: a table for each group, with `hosts` and `vars` tables and a list of `children`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.addresses import expand, split_port
from runner.inventory.sources import is_file

if TYPE_CHECKING:
    from runner.inventory.graph import GroupNode
    from runner.inventory.loading import Loading

__all__ = ["TOML", "Toml"]

# The time and memory that `tomllib` needs for a dotted key grow with the square of its number of parts.
_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_DEEPEST = 100
_TOO_DEEP = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+\.[ \t]*+){{{_DEEPEST}}}")


class Toml:
    """A file with the suffix `.toml`."""

    order = 60

    def claims(self, source: str) -> bool:
        """Accept a file by its suffix."""
        return source.endswith(".toml") and is_file(source)

    def read(self, source: str, loading: Loading) -> None:
        """Read groups, hosts and variables.

        Raises:
            InventoryError: It is not TOML, or not an inventory.
        """
        import tomllib  # noqa: PLC0415 - every load imports this module, few read TOML

        text = loading.read_text(source)
        if found := _TOO_DEEP.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise InventoryError(f"a key of more than {_DEEPEST} parts", path=source, line=line)
        try:
            groups = tomllib.loads(text)
        except (ValueError, RecursionError) as exc:
            raise InventoryError(f"TOML: {exc}", path=source) from exc
        if not groups:
            raise InventoryError("an empty document; expected a table for each group", path=source)
        loading.graph.source = source
        try:
            for name, content in groups.items():
                if isinstance(content, dict):
                    self._group(name, content, loading)
                else:
                    loading.warn(f"{source}: {name!r} is not a group: a group is a table; skipped")
        except InventoryError as exc:
            raise InventoryError(exc.message, path=source, text=exc.text) from exc

    def _group(self, name: str, content: dict[str, Any], loading: Loading) -> None:
        graph = loading.graph
        group = graph.add_group(name)
        for key, section in content.items():
            if key == "vars":
                graph.set_variables(name, _table(section, name, key))
            elif key == "hosts":
                for pattern, variables in _table(section, name, key).items():
                    self._hosts(pattern, variables, group, loading)
            elif key == "children":
                self._children(section, name, loading)
            else:
                loading.warn(
                    f"{graph.source}: {key!r} in group {name!r} is not vars, children or hosts; skipped"
                )

    def _hosts(self, pattern: str, variables: Any, group: GroupNode, loading: Loading) -> None:
        if not isinstance(variables, dict):
            raise InventoryError(f"{pattern}: variables must be a table, found {variables!r}")
        name, port = split_port(pattern)
        for host in expand(name):
            loading.graph.add_host(host, group, port)
            loading.graph.set_variables(host, variables)

    def _children(self, section: Any, name: str, loading: Loading) -> None:
        if not isinstance(section, list):
            raise InventoryError(f"{name}.children must be a list, found {section!r}")
        for child in section:
            loading.graph.add_group(child)
            loading.graph.add_child(name, child)


def _table(section: Any, name: str, key: str) -> dict[str, Any]:
    if not isinstance(section, dict):
        raise InventoryError(f"{name}.{key} must be a table, found {section!r}")
    return section


TOML = Toml()
