"""Ansible's INI format: sections of hosts, of child groups and of variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import InventoryError
from runner.inventory.addresses import expand, split_port
from runner.inventory.graph import UNGROUPED
from runner.inventory.parsing.literals import Literals
from runner.inventory.parsing.malformed import NotThisFormat
from runner.inventory.sources import is_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.inventory.graph import Graph, GroupNode
    from runner.inventory.loading import Loading

__all__ = ["INI", "Ini"]

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:\#.*)?")
_GROUP_NAME = re.compile(r"([^:\]\s]+)\s*(?:\#.*)?")
_PLAIN_LINE = re.compile(
    r"([^\s'\"\\#:\[\]|]+)((?:[ \t]+[^\s'\"\\#={}()\[\],]+=[^\s'\"\\#{}()\[\],]*)*)", re.ASCII
)
"""A host line without quotes, comments, ranges and structures: nine of ten lines are like this, and they
cannot contain an error."""


class _Assignments(NamedTuple):
    """The variables of a plain host line, not parsed yet: listing hosts does not need them."""

    text: str
    literals: Literals

    def read(self) -> dict[str, Any]:
        """Read the `name=value` words."""
        # Only blanks and tabs separate words here; other Unicode white space belongs to a word.
        words = self.text.replace("\t", " ").split(" ")
        pairs = (word.split("=", 1) for word in words if word)
        return {name: self.literals[value] for name, value in pairs}


class _Pending(NamedTuple):
    """A group that is mentioned but not declared yet: the line, the kind of section and its parents."""

    line: int
    kind: str
    parents: list[str]


class _Reader:
    """Reads one file, line by line. `_line` and `_group` are the current position."""

    def __init__(self, path: str, loading: Loading) -> None:
        self._path = path
        self._graph: Graph = loading.graph
        self._literals = Literals()
        self._pending: dict[str, _Pending] = {}
        self._group: GroupNode = loading.graph.groups[UNGROUPED]
        self._line = 0
        self._sections: dict[str, Callable[[str], None]] = {
            "hosts": self._host,
            "vars": self._variable,
            "children": self._child,
        }

    def read(self, lines: Iterable[str]) -> None:
        """Read every line."""
        take: Callable[[str], None] = self._host
        for self._line, raw in enumerate(lines, 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            try:
                if line[0] == "[" and (section := self._section(line)):
                    take = section
                else:
                    take(line)
            except InventoryError as exc:
                raise self._placed(exc, raw) from exc
        self._refuse_undeclared()

    def _placed(self, exc: InventoryError, raw: str) -> InventoryError:
        """Add the position to an error."""
        text = exc.text if exc.text is not None else raw.strip()
        column = raw.find(text.strip()) + 1 or 1
        return InventoryError(exc.message, path=self._path, line=self._line, column=column, text=text)

    def _section(self, line: str) -> Callable[[str], None] | None:
        """Begin a section; return None if the line is not a header, such as `[::1]:22`."""
        match = _SECTION.fullmatch(line)
        if match is None:
            if line.endswith("]") or "]" not in line:
                message = "a section is [group], [group:children] or [group:vars], without blanks"
                raise InventoryError(message, text=line)
            return None
        name, kind = match[1], match[2] or "hosts"
        if kind not in self._sections:
            raise InventoryError(f"unknown kind of section {kind!r}: hosts, children or vars", text=line)
        self._declare(name, kind)
        return self._sections[kind]

    def _declare(self, name: str, kind: str) -> None:
        """Begin the section's group; a `vars` section does not declare it, so another section must."""
        name = self._graph.group_name(name)
        if name not in self._graph.groups and kind == "vars" and name not in self._pending:
            self._pending[name] = _Pending(self._line, kind, [])
        self._group = self._graph.add_group(name)
        if kind != "vars" and (pending := self._pending.pop(name, None)):
            for parent in pending.parents:
                self._graph.add_child(parent, name)

    def _child(self, line: str) -> None:
        match = _GROUP_NAME.fullmatch(line)
        if match is None:
            raise InventoryError("expected the name of a group", text=line)
        name = self._graph.group_name(match[1])
        if name in self._graph.groups:
            self._graph.add_child(self._group.name, name)
        elif name in self._pending:
            self._pending[name].parents.append(self._group.name)
        else:
            self._pending[name] = _Pending(self._line, "children", [self._group.name])

    def _variable(self, line: str) -> None:
        name, equals, value = line.partition("=")
        if not equals:
            raise InventoryError("expected name=value", text=line)
        self._graph.set_variables(self._group.name, {name.strip(): self._literals[value.strip()]}, self._line)

    def _host(self, line: str) -> None:
        """Read a host line: a name or range, then `name=value` words."""
        match = _PLAIN_LINE.fullmatch(line)
        if match is None or match[1] == "---":
            self._unusual_host(line)
            return
        name, words = match.groups()
        graph = self._graph
        host = graph.add_host(name, self._group)
        if not words:
            return
        assignments = _Assignments(words, self._literals)
        if graph.trace or graph.rules.merge or name in graph.groups:
            graph.set_variables(name, assignments.read(), self._line)
        else:
            host.add_layer(assignments)

    def _unusual_host(self, line: str) -> None:
        """Read a host line with quotes, comments, a port, a range or a structure."""
        from runner.text.words import split_words  # noqa: PLC0415 - most inventories have no such line

        try:
            pattern, *words = split_words(line, comments=True)
        except ValueError as exc:
            raise InventoryError("a quotation mark is not closed, or a backslash ends the line") from exc
        variables: dict[str, Any] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise InventoryError("expected name=value after the host", text=word)
            variables[name] = self._literals[value]
        for name, port in _hosts(pattern):
            self._graph.add_host(name, self._group, port)
            self._graph.set_variables(name, variables, self._line)

    def _refuse_undeclared(self) -> None:
        for name, pending in self._pending.items():
            wanted = f"child of [{pending.parents[-1]}:children]" if pending.parents else f"of [{name}:vars]"
            message = f"group {name!r}, {wanted}, is not defined; add [{name}]"
            raise InventoryError(message, path=self._path, line=pending.line, column=1, text=name)


def _hosts(pattern: str) -> Iterable[tuple[str, int | None]]:
    """Expand one host pattern."""
    name, port = split_port(pattern)
    if pattern.strip().endswith(":") and port is None:
        raise InventoryError("a host cannot end in ':', which begins a port; is this YAML?", text=pattern)
    if name.strip() == "---":
        raise InventoryError("'---' begins a YAML document; is this YAML?", text=pattern)
    return [(each, port) for each in expand(name)]


def _decoded(content: bytes, path: str) -> list[str]:
    """Split into lines; a comment may hold bytes that are not UTF-8."""
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
        for number, line in enumerate(content.splitlines(), 1):
            try:
                lines.append("" if line[:1] in (b"#", b";") else line.decode("utf-8"))
            except UnicodeDecodeError as exc:
                message = f"not UTF-8: byte 0x{line[exc.start]:02x}"
                raise InventoryError(message, path=path, line=number, column=exc.start + 1) from exc
        return lines


class Ini:
    """Ansible's INI format, tried last, for a file of any name except `.toml`."""

    order = 90

    def claims(self, source: str) -> bool:
        """Accept any file except `.toml`."""
        return is_file(source) and not source.endswith(".toml")

    def read(self, source: str, loading: Loading) -> None:
        """Read hosts, groups and variables.

        Raises:
            InventoryError: A line cannot be read, or a group that is referred to is not defined.
        """
        lines = _decoded(loading.read_bytes(source), source)
        loading.graph.source = source
        try:
            _Reader(source, loading).read(lines)
        except InventoryError as exc:
            raise NotThisFormat(
                exc.message, path=exc.path, line=exc.line, column=exc.column, text=exc.text
            ) from exc


INI = Ini()
