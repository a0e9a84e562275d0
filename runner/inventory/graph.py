"""Hosts and groups, filled in while sources are read.

The rules of membership are Ansible's: naming a group declares it, a host is identified by its name alone, the
first mention fixes the order, and `reconcile` puts groups without a parent under `all` and hosts without a
group into `ungrouped`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from runner.errors import InventoryError
from runner.inventory.rules import Rules, merged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "ALL",
    "MAX_GROUP_DEPTH",
    "MAX_HOSTS",
    "MAX_WALKED",
    "UNGROUPED",
    "Assignment",
    "Deferred",
    "Graph",
    "GroupNode",
    "HostNode",
]

MAX_WALKED = 20_000_000
"""Maximum number of ancestors visited in checks for cycles: seconds of work, and far beyond any fleet."""
MAX_HOSTS = 500_000
"""Maximum number of hosts: 400 MB of memory. A line of a few bytes can expand to 100,000 hosts."""
ALL = "all"
UNGROUPED = "ungrouped"
MAX_GROUP_DEPTH = 64
"""Maximum nesting of groups: far deeper than people nest them, and safe for every walk over them."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Deferred(Protocol):
    """Variables that are known to be well-formed and are parsed only when they are needed."""

    def read(self) -> Mapping[str, Any]:
        """Return the variables."""
        ...


class _Node:
    """Base of hosts and groups: a name and inline variables, kept in layers until they are needed."""

    __slots__ = ("_layers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._layers: list[Mapping[str, Any] | Deferred] = []

    def add_layer(self, layer: Mapping[str, Any] | Deferred) -> None:
        """Add variables that override the present ones."""
        self._layers.append(layer)

    def merge_layer(self, layer: Mapping[str, Any]) -> None:
        """Add variables that override the present ones; a mapping in both is merged."""
        self._layers = [merged(self.variables, layer)]

    @property
    def variables(self) -> Mapping[str, Any]:
        """The inline variables, later mentions over earlier ones."""
        layers = self._layers
        if not layers:
            return _NOTHING
        if len(layers) == 1 and isinstance(layers[0], dict):
            return layers[0]
        together: dict[str, Any] = {}
        for layer in layers:
            together.update(layer.read() if hasattr(layer, "read") else layer)
        self._layers = [together]
        return together


class HostNode(_Node):
    """One host of the graph.

    Attributes:
        parents: The groups that list it.
        source: The source that mentioned it first.
        lost: Groups that it does not belong to even if they list it, because it was removed from `ungrouped`.
    """

    __slots__ = ("lost", "parents", "source")

    def __init__(self, name: str, source: str | None) -> None:
        self.name = name  # no `super()` call, for speed: there are tens of thousands of hosts
        self._layers = []
        self.parents: list[GroupNode] = []
        self.source = source
        self.lost: frozenset[str] = frozenset()


class GroupNode(_Node):
    """One group of the graph.

    Attributes:
        hosts: The hosts that it lists itself, by name, in order.
        children: Its child groups, by name, in order.
        parents: The groups that list it, in order.
        priority: `ansible_group_priority` as set inside a source.
    """

    __slots__ = ("children", "hosts", "parents", "priority")

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.hosts: dict[str, HostNode] = {}
        self.children: dict[str, GroupNode] = {}
        self.parents: list[GroupNode] = []
        self.priority = 1

    def ancestors(self) -> dict[str, GroupNode]:
        """Return every group above this one, by name."""
        return _closure(self.parents, "parents")

    def descendants(self) -> dict[str, GroupNode]:
        """Return every group below this one, nearest first, by name."""
        return _closure(self.children.values(), "children")

    def all_hosts(self) -> dict[str, HostNode]:
        """Return its own hosts, then those of its descendants, nearest groups first."""
        found = dict(self.hosts)
        for group in self.descendants().values():
            for name, host in group.hosts.items():
                found.setdefault(name, host)
        return found


def _closure(start: Iterable[GroupNode], relation: str) -> dict[str, GroupNode]:
    """Walk one relation breadth first."""
    found: dict[str, GroupNode] = {}
    level: list[GroupNode] = list(start)
    while level:
        following: list[GroupNode] = []
        for group in level:
            if group.name not in found:
                found[group.name] = group
                related = getattr(group, relation)
                following.extend(related.values() if isinstance(related, dict) else related)
        level = following
    return found


@dataclass(frozen=True, slots=True)
class Assignment:
    """One variable as one place sets it.

    Attributes:
        kind: `host` or `group`.
        name: The host or group that it is set for.
        variable: Its name.
        value: Its value there.
        path: The file that sets it; None if no file does.
        line: 1-based line in the file, if known.
    """

    kind: str
    name: str
    variable: Any
    value: Any
    path: str | None = None
    line: int | None = None


class Graph:
    """Every host and group that sources have named so far.

    Args:
        trace: Whether to remember where each inline variable was set.
        rules: How group names and repeated variables are treated.

    Attributes:
        rules: As given.
        groups: Every group by name, in order of first mention.
        hosts: Every host by name, in order of first mention.
        source: The source that is being read.
        edges: How many times a group was put under another.
        trace: Whether assignments are remembered.
        assignments: Where inline variables were set, if traced.
        renamed: Group names that were not valid, each with the name that the group has.
    """

    def __init__(self, *, trace: bool = False, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.renamed: dict[str, str] = {}
        self.groups: dict[str, GroupNode] = {ALL: GroupNode(ALL), UNGROUPED: GroupNode(UNGROUPED)}
        self.hosts: dict[str, HostNode] = {}
        self.source: str | None = None
        self.edges = 0
        self._walked = 0
        self.trace = trace
        self.assignments: list[Assignment] = []
        self.add_child(ALL, UNGROUPED)

    def add_group(self, name: Any) -> GroupNode:
        """Return the group of this name; create it on first mention.

        Raises:
            InventoryError: The name is empty or not a text.
        """
        _check_name(name, "group")
        name = self.group_name(name)
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = GroupNode(name)
        return group

    def group_name(self, name: Any) -> Any:
        """Return the name under which a group is stored."""
        kept = self.rules.group_names(name)
        if kept != name:
            self.renamed[name] = kept
        return kept

    def add_host(self, name: Any, group: GroupNode | None = None, port: int | None = None) -> HostNode:
        """Return the host of this name, as a member of `group`; create it on first mention.

        Args:
            name: The host's name.
            group: A group that lists it.
            port: `ansible_port`, used only at the first mention.

        Raises:
            InventoryError: The name is empty, is not a text or has control characters, or there are too many
                hosts.
        """
        host = self.hosts.get(name) if isinstance(name, str) else None
        if host is None:
            _check_name(name, "host")
            if len(self.hosts) >= MAX_HOSTS:
                raise InventoryError(f"more than {MAX_HOSTS:,} hosts", path=self.source)
            host = self.hosts[name] = HostNode(name, self.source)
            if port:
                host.add_layer({"ansible_port": port})
        if group is not None and name not in group.hosts:
            group.hosts[name] = host
            host.parents.append(group)
        return host

    def add_child(self, parent: str, child: str) -> None:
        """Put a group, or else a host, under a group; both must exist.

        Raises:
            InventoryError: One of them does not exist, or the groups would form a cycle.
        """
        parent = self.group_name(parent)
        if parent not in self.groups:
            raise InventoryError(f"group {parent!r} is not defined", text=parent)
        if (group := self.groups.get(self.rules.group_names(child))) is not None:
            self._add_child_group(self.groups[parent], group)
        elif child in self.hosts:
            self.add_host(child, self.groups[parent])
        else:
            raise InventoryError(f"{child!r} is neither a host nor a group", text=child)

    def _add_child_group(self, parent: GroupNode, child: GroupNode) -> None:
        if child.name == ALL:
            raise InventoryError("'all' holds every group and cannot be a child", text=ALL)
        if parent is child:
            raise InventoryError(f"group {parent.name!r} cannot be a child of itself", text=child.name)
        if child.name in parent.children:
            return
        # A child without children cannot close a cycle, and most new edges lead to such a group.
        if child.children and child.name in self._above(parent):
            chain = " > ".join([*_path_down(child, parent.name), child.name])
            raise InventoryError(f"groups form a cycle: {chain}", text=child.name)
        self.edges += 1
        parent.children[child.name] = child
        child.parents.append(parent)

    def _above(self, group: GroupNode) -> Mapping[str, GroupNode]:
        """Return a group's ancestors, and count them, because each check for a cycle walks them."""
        ancestors = group.ancestors()
        self._walked += len(ancestors)
        if self._walked > MAX_WALKED:
            raise InventoryError("too many nested groups to check them for cycles", text=group.name)
        return ancestors

    def set_variables(
        self, name: str, variables: Mapping[str, Any], line: int | None = None, *, path: str | None = None
    ) -> None:
        """Set inline variables of a group or host; if both have the name, of the group, as Ansible does.

        Args:
            name: The group or host.
            variables: Its variables; kept, not copied.
            line: Their line in the source, for variables that do not know it themselves.
            path: The file, if it is not the source that is being read.
        """
        if not variables:
            return
        group = self.groups.get(self.rules.group_names(name))
        if self.trace:
            self._remember("group" if group else "host", group.name if group else name, variables, line, path)
        if group is None:
            self._add_layer(self.hosts[name], variables)
            return
        if "ansible_group_priority" in variables:
            variables = dict(variables)
            group.priority = _priority(variables.pop("ansible_group_priority"), name)
        self._add_layer(group, variables)

    def _add_layer(self, node: HostNode | GroupNode, variables: Mapping[str, Any]) -> None:
        if self.rules.merge:
            node.merge_layer(variables)
        else:
            node.add_layer(variables)

    def _remember(
        self, kind: str, name: str, variables: Mapping[str, Any], line: int | None, path: str | None
    ) -> None:
        places = getattr(variables, "places", {})
        for key, value in variables.items():
            place = places.get(key, (line,))[0]
            self.assignments.append(Assignment(kind, name, key, value, path or self.source, place))

    def reconcile(self) -> None:
        """Put groups without a parent under `all`, and hosts without another group into `ungrouped`.

        Raises:
            InventoryError: Groups are nested too deep.
        """
        for name, group in list(self.groups.items()):
            if name != ALL and not group.parents:
                self.add_child(ALL, name)
        if max(self.depths().values()) > MAX_GROUP_DEPTH:
            raise InventoryError(f"groups nested deeper than {MAX_GROUP_DEPTH} levels")
        # Found before `ungrouped` is cleared: as in Ansible, a host is either removed from it or added to it.
        alone = [name for name, host in self.hosts.items() if {each.name for each in host.parents} <= {ALL}]
        self._clear_ungrouped()
        for name in alone:
            self.add_child(UNGROUPED, name)

    def _clear_ungrouped(self) -> None:
        """Remove from `ungrouped` the hosts that are in other groups."""
        ungrouped = self.groups[UNGROUPED]
        above = ungrouped.ancestors()
        nested = bool(ungrouped.children) or len(above) > 1
        others_above = above.keys() - {ALL, UNGROUPED}
        known: dict[tuple[str, ...], frozenset[str]] = {}
        for name, host in list(ungrouped.hosts.items()):
            if others_above or {parent.name for parent in host.parents} - {ALL, UNGROUPED}:
                if nested:
                    listed = tuple([parent.name for parent in host.parents])
                    if listed not in known:
                        known[listed] = _lost(host, ungrouped)
                    host.lost = known[listed]
                del ungrouped.hosts[name]
                host.parents.remove(ungrouped)

    def depths(self) -> dict[str, int]:
        """Return for each group the length of the longest path to it from `all`."""
        depth = dict.fromkeys(self.groups, 0)
        for group in self._top_down():
            below = depth[group.name] + 1
            for child in group.children:
                depth[child] = max(depth[child], below)
        return depth

    def _top_down(self) -> Iterator[GroupNode]:
        """Yield every group after all its parents."""
        waiting = {name: len(group.parents) for name, group in self.groups.items()}
        ready = [group for name, group in self.groups.items() if not waiting[name]]
        while ready:
            group = ready.pop()
            yield group
            for name, child in group.children.items():
                waiting[name] -= 1
                if not waiting[name]:
                    ready.append(child)


def _lost(host: HostNode, ungrouped: GroupNode) -> frozenset[str]:
    """Return the groups that a host loses when it is removed from `ungrouped`.

    Ansible removes the host from each ancestor of `ungrouped` that is not an ancestor of its other groups,
    even from one that lists the host itself, and never adds it back.
    """
    groups = {parent.name: parent for parent in host.parents}
    for parent in host.parents:
        groups.update(parent.ancestors())
    pending = [ungrouped]
    lost: set[str] = set()
    while pending:
        group = pending.pop()
        groups.pop(group.name, None)
        lost.add(group.name)
        above: set[str] = {ALL}.union(*(other.ancestors() for other in groups.values()))
        alone = groups.keys() - above
        pending += [ancestor for name, ancestor in group.ancestors().items() if name in alone]
    return frozenset(lost)


def _check_name(name: Any, kind: str) -> None:
    """Refuse an invalid name: an empty one, one that is not a text, or one with a control character."""
    if not isinstance(name, str):
        raise InventoryError(f"a {kind} name must be a text; quote it", text=str(name))
    if not name:
        raise InventoryError(f"a {kind} name cannot be empty")
    if not name.isprintable() and (bad := [char for char in name if _is_control(char)]):
        raise InventoryError(f"control character U+{ord(bad[0]):04X} in a {kind} name", text=name)


def _is_control(char: str) -> bool:
    """Return whether a character controls a terminal or the direction of the text around it."""
    code = ord(char)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069  # noqa: PLR2004


def _priority(value: Any, group: str) -> int:
    """Read `ansible_group_priority`."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as exc:
        message = f"ansible_group_priority of group {group!r} must be a whole number"
        raise InventoryError(message, text=str(value)) from exc


def _path_down(start: GroupNode, goal: str) -> list[str]:
    """Return the names on the shortest path from `start` down to `goal`, which must be below it."""
    ways: list[list[GroupNode]] = [[start]]
    seen = {start.name}
    for way in ways:
        if way[-1].name == goal:
            return [group.name for group in way]
        below = [child for name, child in way[-1].children.items() if name not in seen]
        seen.update(child.name for child in below)
        ways += [[*way, child] for child in below]
    return [start.name, goal]
