"""Warn if host keys are checked less strictly than by default, and name the setting that causes it."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.text import printable
from runner.text.hostlist import fold
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connection.host_keys.weakened import Weakened
    from runner.inventory import Inventory
    from runner.models import Host
    from runner.settings import Settings

__all__ = ["warn"]

_of_run = logging.getLogger("runner.given")
"""For values that the operator gave for this run: `--quiet` silences these warnings."""

_elsewhere = logging.getLogger("runner.host_keys")
"""For values from a file or a variable: this logger has its own level, so `--quiet` does not silence it."""
_elsewhere.setLevel(logging.WARNING)

_LONGEST = 200
"""Maximum length of a list of hosts, in characters; of more hosts only the number is shown."""

_MOST_HOSTS = 2000
"""Maximum size of an inventory that is read again to find the line of a variable."""


def warn(hosts: Sequence[Host], settings: Settings, inventory: Inventory | None) -> None:
    """Warn, once in a process, of each reason why keys of hosts are checked less strictly.

    Args:
        hosts: The hosts.
        settings: How to connect to them.
        inventory: The inventory of the hosts, to find the line of a variable; None if not known.
    """
    from runner.connection.host_keys.weakened import weakened  # noqa: PLC0415 - imports Paramiko

    for found in weakened(hosts, settings.connection_options()):
        of_run = all(origin.is_of_this_run for origin in found.origins)
        if of_run and found.policy == "accept-new":  # the operator asked for it, and every key is recorded
            continue
        _warn_once(printable(_line(found, len(hosts), inventory)), of_run=of_run)


@lru_cache(maxsize=1024)
def _warn_once(line: str, *, of_run: bool) -> None:
    (_of_run if of_run else _elsewhere).warning("%s", line)


def _line(found: Weakened, among: int, inventory: Inventory | None) -> str:
    what = "unknown host keys are accepted" if found.policy == "accept-new" else "host keys are not checked"
    names = fold(host.name for host in found.hosts)
    if len(names) > _LONGEST:
        names = f"{len(found.hosts)} hosts"
    where = "" if len(found.hosts) == among else f" on {names}"
    because = dict.fromkeys(_place(origin, found.hosts[0], inventory) for origin in found.origins)
    return f"{what}{where}: {'; '.join(because)}"


def _place(origin: Origin, host: Host, inventory: Inventory | None) -> str:
    """Return the place that gives a value, and the name of the value if the place does not include it."""
    from runner.settings.lines import located  # noqa: PLC0415 - needed only here

    if origin.kind is Kind.VARIABLE and inventory is not None:
        return f"{_of_variable(origin, host, inventory)} sets {origin.name}"
    return str(origin) if origin.path is None else f"{located(origin)} sets {origin.name}"


def _of_variable(origin: Origin, host: Host, inventory: Inventory) -> Origin | str:
    """Return the place that sets a variable of a host, or the command that finds it."""
    from runner.inventory.output.explain import explain  # noqa: PLC0415 - needed only here

    if len(inventory) > _MOST_HOSTS or not all(_is_plain(source) for source in inventory.sources):
        return f"the inventory (inventory --explain {host.name} {origin.name})"
    try:
        setting = explain(inventory, host.name, origin.name)[-1]
    except RunnerError:
        return "the inventory"
    return origin._replace(path=setting.path, line=setting.line)


def _is_plain(source: str) -> bool:
    """Return whether a source can be read again: it runs no program, and it is not a pipe."""
    if not os.path.lexists(source):  # a list of hosts
        return True
    below = (os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)  # noqa: PTH118
    files = below if os.path.isdir(source) else (source,)  # noqa: PTH112 - a source need not be a path
    return all(os.path.isfile(file) and not os.access(file, os.X_OK) for file in files)  # noqa: PTH113
