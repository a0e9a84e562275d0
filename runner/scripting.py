"""The functions for scripts: load an inventory, ping hosts, run commands on them.

Every keyword is the name of a setting, as on the command line: `workers=100`, `timeout="2m"`, `user="admin"`.
A keyword that a function does not use is refused (`runner.settings.heeded`). Settings that are not given are
read from the project's `invoke.yaml` and the environment, as in tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner import runs
from runner.connection.command import checked_command
from runner.errors import UsageError
from runner.jobs import CommandJob, FunctionJob, unwrapped
from runner.models import Host
from runner.results.results import Results
from runner.settings import Settings, configuration
from runner.settings.heeded import FUNCTIONS, check_keywords
from runner.text.origin import Kind

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.inventory import Inventory
    from runner.jobs import Job
    from runner.models import HostResult
    from runner.runs import Plan

__all__ = ["load", "ping", "run", "stream"]


def load(*sources: str | os.PathLike[str], **settings: Any) -> Inventory:
    """Read an inventory; log a warning (below the logger `runner`) for each doubtful line.

    Args:
        sources: Files, folders or comma-separated lists of hosts. Without any: those of `inventory=` or the
            configuration, else `inventories/`.
        settings: Settings by name: those of vault passwords, `playbook_dir` and `allow_inventory_commands`.

    Raises:
        InventoryError: A source cannot be read.
        UsageError: A setting is not known, is not one of `load`, or cannot be read.
    """
    from runner.runs.select import load_inventory  # noqa: PLC0415 - YAML is slow to import

    if sources and "inventory" in settings:
        raise UsageError("name the inventory once: as arguments of runner.load, or as inventory=")
    return load_inventory(_settings("load", {**settings, "inventory": sources} if sources else settings))


def ping(hosts: Iterable[Host], *, record: bool = False, **settings: Any) -> Results:
    """Ping hosts, all at once.

    Args:
        hosts: The hosts.
        record: Whether to keep the run in the history, as for tasks.
        settings: Settings by name.

    Raises:
        UsageError: A setting is not known, is not one of `ping`, or cannot be read.
    """
    return _results(_plan("ping", hosts, None, _settings("ping", settings), record=record))


def stream(
    hosts: Iterable[Host],
    what: str | Sequence[str] | Callable[..., Any],
    *,
    record: bool = False,
    **settings: Any,
) -> Iterator[HostResult]:
    """Run something on hosts and yield each host's result when it arrives.

    Hosts are not pinged first, unless `no_ping=False`: a script can call `ping` itself. After a Ctrl-C the
    remaining hosts are yielded as cancelled, and KeyboardInterrupt is raised.

    Args:
        hosts: The hosts.
        what: A command, several commands, or a function that is called with a session on each host.
        record: Whether to keep the run in the history, as for tasks.
        settings: Settings by name.

    Raises:
        UsageError: A setting is not known, is not one of `stream`, or cannot be read.
    """
    chosen = _settings("stream", {"no_ping": True, **settings})
    return runs.carry_out(_plan("run", hosts, _job(what), chosen, record=record))


def run(
    hosts: Iterable[Host],
    what: str | Sequence[str] | Callable[..., Any],
    *,
    record: bool = False,
    **settings: Any,
) -> Results:
    """Run something on hosts and return all results; see `stream`.

    After a Ctrl-C, it returns the results so far, with the other hosts as cancelled, and
    `Results.interrupted` is true.

    Raises:
        UsageError: A setting is not known, is not one of `run`, or cannot be read.
    """
    chosen = _settings("run", {"no_ping": True, **settings})
    return _results(_plan("run", hosts, _job(what), chosen, record=record))


def _results(plan: Plan) -> Results:
    """Carry out a plan until its end or a Ctrl-C; return the result of each host."""
    found: list[HostResult] = []
    interrupted = runs.follow(runs.carry_out(plan), found.append)
    return Results(found, plan.run.ended(), plan.hosts, interrupted=interrupted)


def _plan(task: str, hosts: Iterable[Host], job: Job | None, settings: Settings, *, record: bool) -> Plan:
    chosen = (hosts,) if isinstance(hosts, (str, Host)) else tuple(hosts)
    return runs.plan(runs.Request(task, settings, job, hosts=chosen, recorded=record))


def _settings(function: str, given: dict[str, Any]) -> Settings:
    """Merge the keywords of a function with the configured settings that the function uses.

    Raises:
        UsageError: The function does not use a keyword, or its value cannot be read.
    """
    check_keywords(function, given)
    settings = Settings.resolve(given, *configuration.of_caller(), by=Kind.KEYWORD)
    return settings.heeding(FUNCTIONS[function].settings)


def _job(what: str | Sequence[str] | Callable[..., Any]) -> Job:
    if callable(what):
        return FunctionJob(unwrapped(what), repeatable=getattr(what, "repeatable", False))
    commands = (what,) if isinstance(what, str) else tuple(what)
    if not commands:
        raise UsageError("no command to run was given")
    return CommandJob(tuple(map(checked_command, commands)))
