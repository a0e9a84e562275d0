"""Parse the output of commands to rows: `--parse`.

The parsers run in confined child processes, one for each processor, because templates and outputs are not
trusted. A child serves one output at a time; several threads may parse.
"""

from __future__ import annotations

import json
import logging
import os
from importlib.util import find_spec
from queue import LifoQueue
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from runner.devices.outcome import MISFIT, NO_TEMPLATE, ROWS
from runner.errors import HostError, MissingExtra
from runner.platforms.hosts import NAMES, NETWORK_OS, found
from runner.platforms.names import find
from runner.text.confined import Confined, Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from runner.models import CommandResult, Host, HostResult

__all__ = ["Parser", "check", "installed"]

_MOST = 4 * 2**20
"""Longest output that is parsed, in bytes: a template tries a list of regular expressions on every line."""

_LIMIT_S = 5.0
"""CPU time for parsing one output, in seconds."""

_CHILDREN = min(4, os.cpu_count() or 1)
_PACKAGES = {"auto": "ntc_templates", "textfsm": "ntc_templates", "ttp": "ttp"}

logger = logging.getLogger(__name__)


def _children() -> LifoQueue[Confined]:
    """Return the children that are free; the last one used is the first to be used again."""
    free: LifoQueue[Confined] = LifoQueue()
    for _ in range(_CHILDREN):
        free.put(Confined("runner.devices.served:serve", limit_s=_LIMIT_S))
    return free


_FREE = _children()


def installed(how: str) -> bool:
    """Return whether the package that a value of `--parse` needs is installed."""
    return how not in _PACKAGES or find_spec(_PACKAGES[how]) is not None


def check(how: str) -> None:
    """Check that the package that a value of `--parse` needs is installed.

    Raises:
        MissingExtra: It is not.
    """
    if not installed(how):
        raise MissingExtra(f"--parse {how}", "devices")


class Parser:
    """Parses the outputs of a run.

    Args:
        how: A value of `--parse`.
        hosts: The hosts; their variables name their platforms.
        templates: The operator's folder of templates; None if there is none.
        only_devices: Whether hosts without a platform are left alone.

    Attributes:
        most: How many outputs can be parsed at once.
    """

    def __init__(
        self, how: str, hosts: Sequence[Host], templates: str | None = None, *, only_devices: bool = False
    ) -> None:
        self.most = _CHILDREN
        self._how = how
        self._hosts = {host.name: host for host in hosts}
        self._templates = None if templates is None else os.path.abspath(templates)  # noqa: PTH100
        self._only_devices = only_devices
        self._cache = str(user_cache_path("invoke-runner") / "ttp")

    def parsed(self, result: HostResult) -> HostResult:
        """Return a result with the rows of its commands; a command that was not answered has none."""
        names = self._names(result)
        if self._only_devices and not names:
            return result
        commands = [self._command(names, item, result.host) for item in result.commands]
        return result._replace(commands=tuple(commands))

    def _names(self, result: HostResult) -> list[str]:
        """Return the names of a host's platform: as the inventory has it, that of ntc-templates, others.

        ntc-templates has two names for some platforms, such as `brocade_fastiron`.
        """
        host = self._hosts.get(result.host)
        variables: Mapping[str, Any] = {} if host is None else host.variables
        try:
            platform = find(result.platform) or found(variables)
            given = [str(variables.get(name)).strip().lower() for name in (NETWORK_OS, *NAMES)]
        except HostError:  # a variable cannot be had: the result says so, if it is needed
            return []
        if platform is None:
            return []
        others = (platform.ntc, platform.name, platform.netmiko)
        names = (*(name for name in given if name in platform.also), *others)
        return list(dict.fromkeys(name for name in names if name is not None))

    def _command(self, names: Sequence[str], command: CommandResult, host: str) -> CommandResult:
        if not command.ok:
            return command
        if command.truncated or command.size > _MOST:
            why = "the output is not complete" if command.truncated else "the output has more than 4 MiB"
            return command.with_rows(MISFIT, why)
        if not names and self._how != "json":
            return command.with_rows(NO_TEMPLATE)
        text = command.stdout.replace("\r\n", "\n")
        request = json.dumps([self._how, names, command.command, text, self._templates, self._cache])
        child = _FREE.get()
        try:
            reply = child.request(request.encode(), bytes)
        except Stopped as exc:
            logger.warning("%s: reading the output of %r %s; it is shown as text", host, command.command, exc)
            return command.with_rows(MISFIT, f"the template {exc}")
        finally:
            _FREE.put(child)
        head, _, rows = reply.partition(b"\n")
        parse, error = json.loads(head)
        return command.with_rows(parse, error, rows if parse == ROWS else b"")
