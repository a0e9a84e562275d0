"""Explain a variable of a host: every place that sets it, weakest first, and the one that wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.errors import InvalidVariable, PatternError
from runner.inventory.parsing.values import LocatedDict, UnsafeText, VaultText
from runner.inventory.patterns import nearest
from runner.inventory.variables import VariableTable
from runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.inventory.graph import Assignment, GroupNode, HostNode
    from runner.inventory.inventory import Inventory
    from runner.inventory.loading import Loading
    from runner.inventory.variable_files import VariableFolder

__all__ = ["Setting", "explain", "explanation_lines"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One place that sets a variable for a host.

    Attributes:
        value: Its value there, as it is written.
        level: The group or host that it is set for: `group web`, `host h1`, `group_vars of web`,
            `host_vars of h1`.
        path: The file; None if no file sets it.
        line: 1-based line in the file, if known.
        wins: Whether this place decides the value.
    """

    value: Any
    level: str
    path: str | None = None
    line: int | None = None
    wins: bool = False

    @property
    def place(self) -> str:
        """The file and line in the form that editors understand."""
        if self.path is None:
            return "(no file)"
        return self.path if self.line is None else f"{self.path}:{self.line}"


def explain(inventory: Inventory, host: str, variable: str) -> tuple[Setting, ...]:
    """Return each place that sets a variable for a host, weakest first: the last one wins.

    The inventory is read again unless it was loaded with `Options.traced`.

    Raises:
        PatternError: The host does not exist, or nothing sets the variable for it.
        InventoryError: A source cannot be read.
    """
    name = inventory.host(host).name
    loading = inventory.traced()
    node = loading.graph.hosts.get(name)
    settings = list(_settings(loading, inventory, node, variable)) if node else []
    if not settings:
        known = inventory.variables(host)
        raise PatternError(
            f"nothing sets {variable!r} for {host}"
            + nearest(variable, map(str, known), f"inventory --host {host}"),
            text=variable,
        )
    last = settings[-1]
    winner = Setting(last.value, last.level, last.path, last.line, wins=True)
    return (*settings[:-1], winner)


def explanation_lines(inventory: Inventory, host: str, variable: str) -> Iterator[str]:
    """Yield `explain` as lines for people, weakest first, the winner marked with `=>`.

    Raises:
        PatternError: The host does not exist, or nothing sets the variable for it.
        InventoryError: A source cannot be read.
    """
    settings = explain(inventory, host, variable)
    yield f"{variable} of {host}, weakest first:"
    for setting in settings:
        mark = "=>" if setting.wins else "  "
        yield printable(f"{mark} {setting.level}: {_shown(setting.value)!r}  {setting.place}")
    yield from map(printable, _filled_in(inventory, host, variable, settings[-1].value))


def _filled_in(inventory: Inventory, host: str, variable: str, written: Any) -> Iterator[str]:
    """Yield a line with the value after its templates are filled in, if it has any."""
    try:
        value = inventory.filled_in(host)[variable]
    except InvalidVariable as exc:
        if not isinstance(written, VaultText):
            yield f"   cannot be filled in: {exc}"
        return
    if value != written:
        yield f"   filled in: {_shown(value)!r}"


def _shown(value: Any) -> Any:
    """Return a value in the form shown to people, without the mark of unsafe texts."""
    from runner.inventory.output.listing import plain  # noqa: PLC0415 - they import one another's types

    return str(value) if isinstance(value, UnsafeText) else plain(value)


def _settings(loading: Loading, inventory: Inventory, node: HostNode, variable: str) -> Iterator[Setting]:
    """Yield settings in the order of precedence."""
    table = VariableTable(loading.graph, inventory.sources, loading)
    for group, folder in table.group_places(table.groups_of(node)):
        if folder is None:
            yield from _inline(loading.graph.assignments, "group", group.name, variable)
        else:
            yield from _in_files(loading, folder, "group_vars", group, variable)
    yield from _inline(loading.graph.assignments, "host", node.name, variable)
    if not any(
        each.variable == "ansible_port" for each in loading.graph.assignments if each.name == node.name
    ):
        yield from _port_in_name(node, variable)
    for folder in table.folders:
        yield from _in_files(loading, folder, "host_vars", node, variable)


def _inline(assignments: list[Assignment], kind: str, name: str, variable: str) -> Iterator[Setting]:
    for each in assignments:
        if (each.kind, each.name, each.variable) == (kind, name, variable):
            yield Setting(each.value, f"{kind} {name}", each.path, each.line)


def _port_in_name(node: HostNode, variable: str) -> Iterator[Setting]:
    """Yield the port of `name:port`, which is not recorded as an assignment."""
    if variable == "ansible_port" and (port := node.variables.get(variable)) is not None:
        yield Setting(port, f"host {node.name}, in NAME:PORT", node.source)


def _in_files(
    loading: Loading, folder: VariableFolder, kind: str, node: HostNode | GroupNode, variable: str
) -> Iterator[Setting]:
    for path in folder.files(kind, node.name):
        read = loading.variables_file(path)
        if variable in read:
            line = read.places[variable][0] if isinstance(read, LocatedDict) else None
            yield Setting(read[variable], f"{kind} of {node.name}", path, line)
