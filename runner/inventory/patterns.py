"""Host patterns: `routers:&lab:!r3`, `web*`, `~r[13]`, `core[0]`, `@failed.txt`.

The grammar and the order of evaluation are Ansible's ("Patterns: targeting hosts and groups"), with two
deliberate differences. A part that names nothing is an error that suggests similar names; Ansible only warns.
And names that a report has folded, `leaf[01-03,40]`, can be given as they were printed.
"""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING

from runner.errors import InventoryError, PatternError
from runner.inventory.addresses import is_endpoint
from runner.inventory.graph import HostNode
from runner.text.expressions import Expression, ExpressionLate
from runner.text.hostlist import unfold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.inventory.graph import Graph

__all__ = ["LOCALHOST", "PatternMatcher", "nearest", "split"]

LOCALHOST = ("localhost", "127.0.0.1", "::1")
"""Names of this machine. They match even if no inventory has them, but then `all` does not include them."""

_COMMA_PARTS = re.compile(r"(?:[^,\[]|\[[0-9,-]*\]|\[)+")
_PARTS = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]")
_GLOB = frozenset("*?[")


def split(pattern: str | Iterable[str]) -> list[str]:
    """Split a pattern into its parts: at commas if it has any, else at colons outside brackets.

    Commas between the numbers of a folded name, `leaf[01-03,40]`, do not split it.

    Args:
        pattern: One pattern, or several to combine.
    """
    if not isinstance(pattern, str):
        return [part for each in pattern for part in split(each)]
    parts = _COMMA_PARTS.findall(pattern)
    if parts == [pattern] and not is_endpoint(pattern):
        parts = _PARTS.findall(pattern)
    return [part.strip() for part in parts if part.strip()]


def nearest(name: str, known: Iterable[str], shown_by: str = "runner inventory --graph") -> str:
    """Return the end of a message about a wrong name: similar names, or the command that lists all names."""
    import difflib  # noqa: PLC0415 - only a wrong name needs it

    found = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"; did you mean {', '.join(found)}?" if found else f"; `{shown_by}` shows what there is"


class PatternMatcher:
    """Finds the hosts of a pattern in a finished graph.

    Args:
        graph: The graph.
        read_text: Reads the file of an `@FILE` part.
        warn: Called with one line if a part is ambiguous.
    """

    def __init__(self, graph: Graph, read_text: Callable[[str], str], warn: Callable[[str], None]) -> None:
        self._graph = graph
        self._read_text = read_text
        self._warn = warn
        self._known: dict[str, list[HostNode]] = {}

    def select(
        self, pattern: str | Sequence[str], limit: str | Sequence[str] | None = None
    ) -> list[HostNode]:
        """Return the hosts of a pattern, in its order; with `limit`, only those that it selects too.

        Raises:
            PatternError: A part cannot be read, or names nothing in the inventory.
        """
        hosts = self._evaluate(self._parts(pattern))
        if limit:
            allowed = {host.name for host in self._evaluate(self._parts(limit))}
            hosts = [host for host in hosts if host.name in allowed]
        return list({host.name: host for host in hosts}.values())

    def _parts(self, pattern: str | Sequence[str]) -> list[str]:
        """Split a pattern, and replace each `@FILE` with the lines of the file."""
        parts: list[str] = []
        for part in split(pattern):
            if part[0] == "@":
                parts += [line.strip() for line in self._lines(part) if line.strip()]
            else:
                parts.append(part)
        if not parts:
            if split(pattern):
                raise PatternError("the list names no host", text=str(pattern))
            raise PatternError("an empty host pattern; 'all' means every host", text=str(pattern))
        return parts

    def _lines(self, part: str) -> list[str]:
        try:
            return self._read_text(os.path.expanduser(part[1:])).split("\n")  # noqa: PTH111
        except InventoryError as exc:
            raise PatternError(f"host list {part} {exc.message}", text=part) from exc

    def _evaluate(self, parts: list[str]) -> list[HostNode]:
        """Unite the plain parts, then intersect with `&` parts, then exclude `!` parts."""
        required = [part for part in parts if part[0] == "&"]
        excluded = [part for part in parts if part[0] == "!"]
        united = [part for part in parts if part[0] not in "&!"] or ["all"]
        hosts = {host.name: host for part in united for host in self._host_or(part)}
        for part in required:
            names = {host.name for host in self._part(part[1:])}
            hosts = {name: host for name, host in hosts.items() if name in names}
        for part in excluded:
            for host in self._part(part[1:]):
                hosts.pop(host.name, None)
        return list(hosts.values())

    def _host_or(self, part: str) -> list[HostNode]:
        """Return the host with exactly this name, else the hosts of the part; not used after `&` and `!`."""
        host = self._graph.hosts.get(part)
        return self._part(part) if host is None else [host]

    def _part(self, part: str) -> list[HostNode]:
        """Return the hosts of one part without its `&` or `!`, duplicates included."""
        if not part:
            raise PatternError("a pattern ends after '&' or '!'; name a group or host")
        if part not in self._known:
            self._known[part] = self._matches(part)
        return self._known[part]

    def _matches(self, part: str) -> list[HostNode]:
        """Return the hosts of a part, read as Ansible does.

        If one of its folded names is a host, a part with a comma, or one that names nothing for Ansible, is
        read as folded names.
        """
        names = [] if part[0] == "~" else unfold(part)
        folded = [self._graph.hosts[name] for name in names if name in self._graph.hosts]
        if "," in part and folded:
            return self._all_of(names)
        try:
            hosts = self._as_ansible(part)
        except PatternError:
            if not folded:
                raise
            return self._all_of(names)
        if len(names) == len(folded) > 0 and set(names) != {host.name for host in hosts}:
            self._warn(_ambiguous(part, len(hosts), names))
        return hosts

    def _all_of(self, names: list[str]) -> list[HostNode]:
        """Return the hosts of folded names, which must all exist."""
        return [host for name in names for host in self._named(name)]

    def _as_ansible(self, part: str) -> list[HostNode]:
        subscript = None if part[0] == "~" else _SUBSCRIPT.fullmatch(part)
        if subscript is None:
            return self._named(part)
        return _subscripted(self._named(subscript[1]), subscript)

    def _named(self, expression: str) -> list[HostNode]:
        """Return the hosts of the groups that match, and the hosts that match."""
        matches = _matcher(expression)
        try:
            groups = [group for name, group in self._graph.groups.items() if matches(name)]
            hosts = [host for group in groups for host in group.all_hosts().values()]
            if not groups or expression[0] == "~" or "." in expression or not _GLOB.isdisjoint(expression):
                hosts += [host for name, host in self._graph.hosts.items() if matches(name)]
        except ExpressionLate as exc:
            raise PatternError(str(exc), text=expression) from exc
        if not hosts and expression in LOCALHOST:
            return [self.localhost(expression)]
        if not hosts and not groups:
            known = [*self._graph.groups, *self._graph.hosts]
            raise PatternError(
                f"no group or host {expression!r}{nearest(expression, known)}", text=expression
            )
        return hosts

    def localhost(self, name: str) -> HostNode:
        """Return this machine: the first host with one of its names, else a new host."""
        for host in self._graph.hosts.values():
            if host.name in LOCALHOST:
                return host
        import sys  # noqa: PLC0415

        implicit = HostNode(name, None)
        implicit.add_layer({"ansible_connection": "local", "ansible_python_interpreter": sys.executable})
        return implicit


def _matcher(expression: str) -> Callable[[str], object]:
    """Return a test for names, from a name, a shell pattern, or `~` and a regular expression."""
    if expression[0] != "~" and _GLOB.isdisjoint(expression):
        return expression.__eq__
    source = expression[1:] if expression[0] == "~" else fnmatch.translate(expression)
    try:
        return Expression(source, "host pattern").over().match
    except re.error as exc:
        where = f" at column {exc.colno}" if exc.colno else ""
        raise PatternError(f"not a regular expression: {exc.msg}{where}", text=expression) from exc


def _subscripted(hosts: list[HostNode], subscript: re.Match[str]) -> list[HostNode]:
    """Return the hosts that a subscript selects: `[i]`, `[-i]`, or `[a:b]` with both ends included."""
    _, index, start, end = subscript.groups()
    if not hosts:
        return hosts
    if index is None and int(end or -1) == 0:
        index = start  # Ansible reads [2:0] as [2]
    try:
        if index is not None:
            return [hosts[int(index)]]
        chosen = hosts[int(start) : int(end) + 1 if end else None]
    except (IndexError, ValueError):
        chosen = []
    if not chosen:
        raise PatternError(
            f"the subscript is outside of the {len(hosts)} hosts of {subscript[1]}", text=subscript[0]
        )
    return chosen


def _ambiguous(part: str, count: int, names: list[str]) -> str:
    """Return a warning for a part in Ansible's notation that is also the folded form of other hosts."""
    return (
        f"{part!r} is a subscript or shell pattern here, as in Ansible, and means {count} hosts, not the "
        f"{len(names)} from {names[0]} to {names[-1]}: for these write {','.join(names[:2])},…"
    )
