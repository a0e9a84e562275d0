"""Output of network gear as records, by the templates of NTC (https://ntc-templates.readthedocs.io)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.models import Host, HostResult

__all__ = ["PLATFORMS", "Parser"]

PLATFORMS = {
    "asa": "cisco_asa",
    "eos": "arista_eos",
    "ios": "cisco_ios",
    "iosxr": "cisco_xr",
    "junos": "juniper_junos",
    "nxos": "cisco_nxos",
    "routeros": "mikrotik_routeros",
    "sros": "alcatel_sros",
    "vyos": "vyatta_vyos",
}
"""What NTC call the platforms that Ansible's `ansible_network_os` names."""

_MOST = 2**20
"""Bytes of output. A template is a list of regular expressions that are tried on every line."""

logger = logging.getLogger(__name__)


class Parser:
    """Turns outputs to records, where the package `ntc-templates` is installed and has a template.

    Args:
        hosts: The hosts, whose variables say what they are.
    """

    def __init__(self, hosts: Sequence[Host]) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._parse: Callable[..., Any] | None = None
        self._missing = False

    def records(self, result: HostResult) -> list[Mapping[str, Any]]:
        """Return the records of a host's outputs; none where they are not understood."""
        platform = self._platform(result.host) if result.commands else None
        if platform is None:
            return []
        found: list[Mapping[str, Any]] = []
        for command in result.commands:
            if command.ok and command.size <= _MOST:
                found += self._records(platform, command.command, command.stdout.replace("\r\n", "\n"))
        return found

    def _platform(self, name: str) -> str | None:
        host = self._hosts.get(name)
        system = host.variables.get("ansible_network_os") if host is not None else None
        return PLATFORMS.get(str(system).rpartition(".")[2]) if system else None

    def _records(self, platform: str, command: str, text: str) -> list[Mapping[str, Any]]:
        parse = self._loaded()
        if parse is None:
            return []
        try:
            return list(parse(platform=platform, command=command, data=text))
        except Exception:  # no template, or one that the output does not fit: then it is no record
            logger.debug("%s on %s is not parsed", command, platform, exc_info=True)
            return []

    def _loaded(self) -> Callable[..., Any] | None:
        if self._parse is None and not self._missing:
            try:
                from ntc_templates.parse import parse_output  # noqa: PLC0415 - an extra, and slow to import
            except ImportError:
                self._missing = True
            else:
                self._parse = parse_output
        return self._parse
