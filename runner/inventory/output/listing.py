"""An inventory in the output formats of `ansible-inventory`: `--list`, `--host` and `--graph`.

The `--list` document of a large fleet mostly repeats the same group variables. So the writer converts each of
them to JSON once, and yields the text in pieces.
"""

from __future__ import annotations

import json
from datetime import date
from itertools import islice
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING, Any

from runner.errors import HostError, InventoryError, PatternError
from runner.inventory.graph import ALL
from runner.inventory.parsing.values import UnsafeText, VaultText
from runner.inventory.patterns import nearest
from runner.inventory.variables import INTERNAL_NAMES
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from runner.inventory.graph import GroupNode, HostNode
    from runner.inventory.inventory import Inventory
    from runner.inventory.variables import VariableTable

__all__ = ["graph_lines", "host_document", "list_document", "list_text", "plain"]

MAX_GRAPH_LINES = 1_000_000
"""Maximum number of lines of a graph: groups that share children on many levels make it endless."""
PROFILE = "inventory_legacy"
"""The value that Ansible writes into `_meta` to say how to read tagged texts back."""

_INDENT = 4
_FLUSH = 1 << 16
_ENCODER_INDENTED = json.JSONEncoder(indent=_INDENT, sort_keys=True, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Turn a value into types that JSON has, as Ansible does.

    Encrypted and unsafe texts become the mappings that Ansible reads back as such; dates become ISO texts.
    """
    if type(value) in (str, int, float, bool) or value is None:
        return value
    if isinstance(value, dict):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, VaultText):
        return {"__ansible_vault": value.ciphertext}
    if isinstance(value, UnsafeText):
        return {"__ansible_unsafe": str(value)}
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.isoformat() if isinstance(value, date) else str(value)


def _key(key: Any) -> str:
    """Turn a mapping's key into text."""
    if isinstance(key, str):
        return str(key)
    return json.dumps(key) if key is None or isinstance(key, (int, float)) else str(plain(key))


def _shown(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {_key(key): plain(value) for key, value in variables.items() if key not in INTERNAL_NAMES}


def host_document(inventory: Inventory, name: str, *, filled_in: bool = False) -> dict[str, Any]:
    """Return one host's variables as `ansible-inventory --host` prints them, unsafe texts not marked.

    Args:
        inventory: The inventory.
        name: The host's name.
        filled_in: Whether to fill in templates. A value that is encrypted or fails stays as it is written.

    Raises:
        PatternError: The host does not exist.
        InventoryError: A file of its variables cannot be read.
    """
    variables = inventory.variables(name)
    if filled_in:
        values = inventory.filled_in(name)
        variables = {key: _filled_in(values, key, written) for key, written in variables.items()}
    return _shown(_unmarked(variables))


def _filled_in(values: Mapping[str, Any], name: str, written: Any) -> Any:
    try:
        return values[name]
    except HostError:
        return written


def _unmarked(value: Any) -> Any:
    """Turn unsafe texts into plain ones."""
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return str(value) if isinstance(value, UnsafeText) else value


def list_document(inventory: Inventory, *, export: bool = False) -> dict[str, Any]:
    """Return the document of `ansible-inventory --list`.

    Args:
        inventory: The inventory.
        export: Whether each group and host shows only its own variables, as `--export` does.

    Raises:
        InventoryError: A variables file cannot be read.
    """
    document: dict[str, Any] = json.loads("".join(list_text(inventory, export=export)))
    return document


def list_text(inventory: Inventory, *, export: bool = False) -> Iterator[str]:
    """Yield the text of `ansible-inventory --list` in pieces: one JSON document, keys sorted.

    Args:
        inventory: The inventory.
        export: Whether each group and host shows only its own variables, as `--export` does.

    Raises:
        InventoryError: A variables file cannot be read.
    """
    table = inventory.table
    hosts = inventory.graph.groups[ALL].all_hosts()
    sections = _group_sections(inventory.graph.groups[ALL], table if export else None)
    writer = _HostWriter(table, export=export)
    names = sorted([*sections, "_meta"])
    yield "{\n"
    for position, name in enumerate(names):
        yield f"    {_quoted(name)}: "
        if name == "_meta":
            yield from writer.meta(hosts.values())
        else:
            yield _indented(sections[name], 1)
        yield ",\n" if position + 1 < len(names) else "\n"
    yield "}\n"


def _indented(value: Any, level: int) -> str:
    """Write a value as JSON, indented for `level` enclosing values."""
    return _ENCODER_INDENTED.encode(value).replace("\n", "\n" + " " * _INDENT * level)


def _group_sections(top: GroupNode, table: VariableTable | None) -> dict[str, dict[str, Any]]:
    """Return the sections of `top` and every group below it, without empty ones."""
    sections: dict[str, dict[str, Any]] = {}
    for group in (top, *top.descendants().values()):
        section: dict[str, Any] = {"children": list(group.children)}
        if group.name != ALL:
            section["hosts"] = list(group.hosts)
        if table:
            section["vars"] = _shown(table.of_group(group))
        if kept := {key: value for key, value in section.items() if value}:
            sections[group.name] = kept
    return sections


class _Layout:
    """The text of hosts with the same group variables, with gaps for each host's own variables.

    Args:
        shared: The line of each group variable, by its name.
        own: The names of the gaps; a gap replaces the group variable of the same name.
    """

    def __init__(self, shared: Mapping[str, str], own: Collection[str]) -> None:
        self._gaps = sorted(own)
        self._between: list[str] = []
        text = ""
        for position, name in enumerate(sorted({*shared, *own})):
            text += ",\n" if position else ""
            if name in own:
                self._between.append(text)
                text = ""
            else:
                text += shared[name]
        self._between.append(text)

    def filled(self, own: Mapping[str, str]) -> str:
        """Return the text with one host's lines in the gaps."""
        parts = [self._between[0]]
        for name, text in zip(self._gaps, self._between[1:], strict=True):
            parts += (own[name], text)
        return "".join(parts)


class _HostWriter:
    """Writes `_meta`: each host's variables. Group variables are converted to text once for all hosts."""

    _LEVEL = 4

    def __init__(self, table: VariableTable, *, export: bool) -> None:
        self._table = table
        self._export = export
        self._shared: dict[tuple[object, ...], dict[str, str]] = {}
        self._layouts: dict[tuple[object, tuple[str, ...]], _Layout] = {}
        self._pieces: dict[tuple[type, Any], str] = {}

    def meta(self, hosts: Iterable[HostNode]) -> Iterator[str]:
        """Yield the section `_meta`."""
        yield '{\n        "hostvars": {'
        gathered: list[str] = []
        size, first = 0, True
        for host in sorted(hosts, key=lambda node: node.name):
            if not (body := self._body(host)):
                continue
            text = f"{'' if first else ','}\n            {_quoted(host.name)}: {{\n{body}\n            }}"
            first = False
            gathered.append(text)
            size += len(text)
            if size > _FLUSH:
                yield "".join(gathered)
                gathered, size = [], 0
        yield "".join(gathered)
        yield f'{"}" if first else chr(10) + " " * 8 + "}"},\n        "profile": "{PROFILE}"\n    }}'

    def _body(self, host: HostNode) -> str:
        """Return the lines of a host's variables, sorted by name."""
        if self._export:
            lines = self._texts(self._table.exported(host))
            return ",\n".join([lines[name] for name in sorted(lines)])
        signature = self._table.signature(host)
        own = self._texts(self._table.own(host))
        key = (signature, tuple(own))
        if key not in self._layouts:
            if signature not in self._shared:
                self._shared[signature] = self._texts(self._table.share(host).variables)
            self._layouts[key] = _Layout(self._shared[signature], own)
        return self._layouts[key].filled(own)

    def _texts(self, variables: Mapping[str, Any]) -> dict[str, str]:
        texts: dict[str, str] = {}
        pieces = self._pieces
        for key, value in variables.items():
            if key in INTERNAL_NAMES:
                continue
            kind = value.__class__
            if kind is str or kind is int:
                text = pieces.get((kind, value))
                if text is None:
                    text = pieces[kind, value] = _quoted(value) if kind is str else str(value)
            else:
                text = _indented(plain(value), self._LEVEL)
            name = _key(key)
            texts[name] = f"                {_quoted(name)}: {text}"
        return texts


def graph_lines(inventory: Inventory, group: str = ALL, *, variables: bool = False) -> Iterator[str]:
    """Yield the lines of `ansible-inventory --graph`.

    Args:
        inventory: The inventory.
        group: The group to begin with.
        variables: Whether to show the variables of groups and hosts.

    Raises:
        PatternError: The group does not exist.
        InventoryError: A variables file cannot be read, or the graph is longer than `MAX_GRAPH_LINES`.
    """
    start = inventory.graph.groups.get(group)
    if start is None:
        raise PatternError(f"no group {group!r}{nearest(group, inventory.graph.groups)}", text=group)
    lines = _graph_lines(inventory, start, 0, variables=variables)
    yield from islice(lines, MAX_GRAPH_LINES)
    if next(lines, None) is not None:
        raise InventoryError(f"a graph of more than {MAX_GRAPH_LINES:,} lines; name a group to begin with")


def _graph_lines(inventory: Inventory, group: GroupNode, depth: int, *, variables: bool) -> Iterator[str]:
    yield _graph_line(f"@{group.name}:", depth)
    for child in group.children.values():
        yield from _graph_lines(inventory, child, depth + 1, variables=variables)
    for host in group.hosts.values() if group.name != ALL else ():
        yield _graph_line(host.name, depth + 1)
        if variables:
            yield from _variable_lines(inventory.table.of_host(host), depth + 2)
    if variables:
        yield from _variable_lines(inventory.table.of_group(group), depth + 1)


def _variable_lines(variables: Mapping[str, Any], depth: int) -> Iterator[str]:
    shown = {_key(key): value for key, value in variables.items() if key not in INTERNAL_NAMES}
    for key in sorted(shown):
        yield _graph_line(printable(f"{{{key} = {shown[key]}}}"), depth)


def _graph_line(text: str, depth: int) -> str:
    return f"{'  |' * depth}--{text}" if depth else text
