"""Parse output of network gear to records with NTC Templates (https://ntc-templates.readthedocs.io)."""

from __future__ import annotations

import json
import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from runner.platforms.hosts import found
from runner.text.confined import Confined, Stopped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.models import CommandResult, Host, HostResult

__all__ = ["Parser"]

_MOST = 2**20
"""Longest output that is parsed, in bytes: a template tries a list of regular expressions on every line."""

_LIMIT_S = 5.0
"""CPU time for parsing one output, in seconds."""

logger = logging.getLogger(__name__)

_NTC = Confined("runner.report.formats.parsing:serve", limit_s=_LIMIT_S)


class Parser:
    """Parses outputs to records, if the package `ntc-templates` is installed and has a matching template.

    Args:
        hosts: The hosts; their variables name their platforms.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._installed = find_spec("ntc_templates") is not None

    def records(self, result: HostResult) -> list[Mapping[str, Any]]:
        """Return the records of a host's outputs; an empty list if no template can read them."""
        platform = self._platform(result.host) if result.commands and self._installed else None
        if platform is None:
            return []
        found: list[Mapping[str, Any]] = []
        for command in result.commands:
            if command.ok and command.size <= _MOST:
                found += self._records(platform, command, result.host)
        return found

    def _platform(self, name: str) -> str | None:
        host = self._hosts.get(name)
        platform = found(host.variables) if host is not None else None
        return None if platform is None else platform.ntc

    def _records(self, platform: str, command: CommandResult, host: str) -> list[Mapping[str, Any]]:
        request = json.dumps([platform, command.command, command.stdout.replace("\r\n", "\n")])
        try:
            found: list[Mapping[str, Any]] = json.loads(_NTC.request(request.encode(), bytes))
        except Stopped as exc:
            logger.warning("%s: reading the output of %r %s; it is shown as text", host, command.command, exc)
            return []
        return found
