"""`inventory`: what the inventory says, in the shapes of `ansible-inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.inventory import Inventory
    from runner.tasks.fleet import Call

__all__ = ["inventory"]


def _inventory(
    call: Call,
    list: bool = False,  # noqa: A002 - the flag is called as ansible-inventory calls it
    graph: bool = False,
    host: str | None = None,
    hosts: str | None = None,
    vars: bool = False,  # noqa: A002 - likewise
) -> int:
    """Show the inventory: all of it as JSON, the tree of groups, one host, or what a pattern means."""
    from runner import inventory as inventories  # noqa: PLC0415 - tasks are listed without loading what runs them
    from runner import runs  # noqa: PLC0415
    from runner.tasks.output import write  # noqa: PLC0415

    asked = [bool(list), bool(graph), host is not None, hosts is not None]
    if sum(asked) != 1:
        raise UsageError("say what to show: one of --list, --graph, --host NAME, --hosts PATTERN")
    loaded = inventories.load(*runs.inventory_sources(call.settings))
    write(_shown(loaded, call, graph=graph, host=host, hosts=hosts, variables=vars))
    return 0


def _shown(
    loaded: Inventory, call: Call, *, graph: bool, host: str | None, hosts: str | None, variables: bool
) -> Iterable[str]:
    from runner.inventory import listing  # noqa: PLC0415
    from runner.report.json import encode  # noqa: PLC0415

    if graph:
        return (line + "\n" for line in listing.graph_lines(loaded, call.settings.group, variables=variables))
    if host is not None:
        return [encode(listing.host_document(loaded, host), indent=4) + "\n"]
    if hosts is not None:
        return (name + "\n" for name in loaded.names(hosts, call.settings.limit))
    return listing.list_text(loaded)


_HELP: dict[str, Any] = {
    "list": "everything as JSON, as `ansible-inventory --list` prints it",
    "graph": "the tree of groups and hosts, from --group down",
    "host": "one host's variables as JSON",
    "hosts": "the names of the hosts that a pattern means, one a line",
    "vars": "with --graph: variables too",
}

inventory = FleetTask(_inventory, name="inventory", help=_HELP)
