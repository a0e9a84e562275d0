"""The functions for scripts: load an inventory, ping hosts, run commands on them.

Every keyword is a setting by its name, as on the command line: `workers=100`, `timeout="2m"`, `user="admin"`.
What is not given is read from the project's `invoke.yaml` and the environment, as tasks do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import configuration, runs
from runner.connection.command import checked_command
from runner.errors import UsageError
from runner.jobs import CommandJob, FunctionJob, unwrapped
from runner.models import Host
from runner.origin import Kind
from runner.results import Results
from runner.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.inventory import Inventory
    from runner.jobs import Job
    from runner.models import HostResult

__all__ = ["load", "ping", "run", "stream"]


def load(*sources: str | os.PathLike[str]) -> Inventory:
    """Read an inventory.

    Args:
        sources: Files, folders or comma lists of hosts; where none is given, what the configuration names,
            else `inventories/`.

    Raises:
        InventoryError: A source cannot be read.
    """
    from runner import inventory  # noqa: PLC0415 - YAML is slow to import

    settings = _settings({})
    options = configuration.inventory_options(settings)
    if sources:
        options = replace(options, named=True)
    return inventory.load(*(sources or configuration.inventory_sources(settings)), options=options)


def ping(hosts: Iterable[Host], **settings: Any) -> Results:
    """Ping hosts, all at once.

    Raises:
        UsageError: A setting is not known or cannot be read.
    """
    chosen = _settings(settings)
    targets = _hosts(hosts)
    begun = runs.begin("ping", chosen)
    found = list(runs.ping(targets, chosen))
    return Results(found, begun.ended(), targets)


def stream(
    hosts: Iterable[Host], what: str | Sequence[str] | Callable[..., Any], **settings: Any
) -> Iterator[HostResult]:
    """Run something on hosts and yield each host's result as it is known.

    Hosts are not pinged first, unless `no_ping=False`: a script has its own call for that.

    Args:
        hosts: The hosts.
        what: A command, several commands, or a function that is called with a session on each host.
        settings: Settings by name.

    Raises:
        UsageError: A setting is not known or cannot be read.
    """
    job = _job(what)
    chosen = _settings({"no_ping": True, **settings})
    return runs.carry_out(runs.begin("run", chosen, commands=job.commands), _hosts(hosts), job, chosen)


def run(hosts: Iterable[Host], what: str | Sequence[str] | Callable[..., Any], **settings: Any) -> Results:
    """Run something on hosts and return all results; see `stream`.

    Raises:
        UsageError: A setting is not known or cannot be read.
    """
    job = _job(what)
    chosen = _settings({"no_ping": True, **settings})
    targets = _hosts(hosts)
    begun = runs.begin("run", chosen, commands=job.commands)
    found = list(runs.carry_out(begun, targets, job, chosen))
    return Results(found, begun.ended(), targets)


def _settings(given: dict[str, Any]) -> Settings:
    """Read a script's settings over what is configured where it runs."""
    return Settings.resolve(given, *configuration.of_folder(Path.cwd()), by=Kind.KEYWORD)


def _hosts(hosts: Iterable[Host]) -> tuple[Host, ...]:
    found = (hosts,) if isinstance(hosts, (str, Host)) else tuple(hosts)
    for host in found:
        if not isinstance(host, Host):
            raise UsageError(f"expected hosts, such as inventory.select() gives, found {host!r}")
    if any(not host.name for host in found):
        raise UsageError("a host has an empty name")
    _refuse_namesakes(found)
    return found


def _refuse_namesakes(hosts: Iterable[Host]) -> None:
    """Refuse two different hosts of one name, such as of two inventories: each name has one result.

    Raises:
        UsageError: There are two such hosts.
    """
    known: dict[str, Host] = {}
    for host in hosts:
        other = known.setdefault(host.name, host)
        if other is not host and dict(other.variables) != dict(host.variables):
            raise UsageError(
                f"two different hosts have the name {host.name!r}: {_told(other)}, and {_told(host)}; "
                "run on them one after the other, or rename one"
            )


def _told(host: Host) -> str:
    """Return by which address a host is reached, as far as its variables say."""
    names = ("ansible_host", "ansible_port", "ansible_user", "ansible_connection")
    known = {name: host.variables.get(name) for name in names}
    return ", ".join(f"{name}={value}" for name, value in known.items() if value is not None) or host.name


def _job(what: str | Sequence[str] | Callable[..., Any]) -> Job:
    if callable(what):
        return FunctionJob(unwrapped(what), repeatable=getattr(what, "repeatable", False))
    commands = (what,) if isinstance(what, str) else tuple(what)
    if not commands:
        raise UsageError("there is no command to run")
    return CommandJob(tuple(map(checked_command, commands)))
