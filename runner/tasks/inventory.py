"""`inventory`: show the inventory, in the formats of `ansible-inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.report.terminal import visible_line
from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.inventory import Inventory
    from runner.tasks.fleet import Call

__all__ = ["inventory"]


def _inventory(  # noqa: PLR0913, PLR0917 - one argument per flag
    call: Call,
    list: bool = False,  # noqa: A002 - the flag has the name of ansible-inventory's
    graph: bool = False,
    host: str | None = None,
    hosts: str | None = None,
    export: bool = False,
    explain: str | None = None,
    variable: list[str] | None = None,
    vars: bool = False,  # noqa: A002 - likewise
) -> int:
    """Show the inventory: all of it as JSON, the tree of groups, one host, or the hosts of a pattern."""
    from runner.report.messages import ask  # noqa: PLC0415
    from runner.report.output import write  # noqa: PLC0415 - loaded only when the task runs
    from runner.runs.select import load_inventory  # noqa: PLC0415

    if [
        bool(list),
        bool(graph),
        bool(export),
        host is not None,
        hosts is not None,
        explain is not None,
    ].count(True) != 1:
        raise UsageError(f"say what to show: one of {_CHOICES}")
    if (explain is None) is not (variable is None):
        raise UsageError("--explain takes a host and a variable: --explain r1 ansible_port")
    loaded = load_inventory(call.settings, ask, traced=explain is not None)
    if hosts is not None:
        write(_lines(loaded.names(hosts, call.settings.limit)))
    elif explain is not None:
        write(_explanation(loaded, explain, (variable or [""])[0]))
    elif export:
        write(_yaml(loaded))
    elif host is not None:
        write(_host_document(loaded, host))
    elif graph:
        write(_graph(loaded, call.settings.group, variables=vars))
    else:
        write(_everything(loaded))
    return 0


# Each function imports its modules itself: the most frequent use, --hosts, needs none of them.


def _explanation(loaded: Inventory, host: str, variable: str) -> Iterable[str]:
    from runner.inventory.output.explain import explanation_lines  # noqa: PLC0415

    return _lines(explanation_lines(loaded, host, variable))


def _yaml(loaded: Inventory) -> Iterable[str]:
    from runner.inventory.output.export import yaml_text  # noqa: PLC0415

    return [yaml_text(loaded)]


def _host_document(loaded: Inventory, host: str) -> Iterable[str]:
    from runner.inventory.output.listing import host_document  # noqa: PLC0415
    from runner.report.formats.json import encode  # noqa: PLC0415

    return [encode(host_document(loaded, host, filled_in=True), indent=4), "\n"]


def _graph(loaded: Inventory, pattern: str, *, variables: bool) -> Iterable[str]:
    from runner.inventory.output.listing import graph_lines  # noqa: PLC0415

    return _lines(graph_lines(loaded, pattern, variables=variables))


def _everything(loaded: Inventory) -> Iterable[str]:
    from runner.inventory.output.listing import list_text  # noqa: PLC0415

    return list_text(loaded)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    return (visible_line(text) + "\n" for text in texts)


_CHOICES = "--list, --graph, --host NAME, --hosts PATTERN, --export, --explain HOST VARIABLE"
_HELP: dict[str, Any] = {
    "list": "everything as JSON, as `ansible-inventory --list` prints it",
    "graph": "the tree of groups and hosts, from --group down",
    "host": "one host's variables as JSON, their templates filled in",
    "hosts": "the names of the hosts that match a pattern, one per line",
    "vars": "with --graph: variables too",
    "export": "everything as a YAML inventory, which Ansible reads back the same",
    "explain": "where a host's variable comes from: --explain HOST VARIABLE",
    "variable": "with --explain: the variable; the flag may be left out",
}

inventory = FleetTask(_inventory, name="inventory", heeded=TASKS["inventory"], command="variable", help=_HELP)
