"""The address that SSH connects to for a host, and whether directly; a probe needs it before any login."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from runner.connection import kind
from runner.connection.ssh_config.arguments import ARGUMENTS
from runner.connection.ssh_config.host_config import ROUTE_KEYWORDS, mentions
from runner.connection.ssh_config.reader import JUDGE
from runner.connection.target.variables import unusable
from runner.inventory.endpoint import endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from runner.connection.options import ConnectionOptions
    from runner.models import Endpoint, Host

__all__ = ["Destination", "Destinations"]

_AT_ONCE = 16
"""Maximum number of concurrent `ssh -G` processes."""
_TOGETHER_S = 60.0
"""Maximum seconds for all of these processes together, before the first host is probed."""


class Destination(NamedTuple):
    """The address of a host and whether we connect to it directly.

    Attributes:
        endpoint: Address and port of its SSH server; None if the host is this machine itself.
        direct: Whether we connect to it directly, not through a jump host or a program.
    """

    endpoint: Endpoint | None
    direct: bool = True


class Destinations:
    """Finds the addresses of hosts, quickly if only the inventory decides them.

    If only `ssh` can judge the options of hosts, `ssh -G` is run for all of them concurrently, before any of
    them is probed.

    Args:
        options: The options for connecting to hosts.
        hosts: The hosts that will be looked up, as far as they are known beforehand.
    """

    def __init__(self, options: ConnectionOptions, hosts: Sequence[Host] = ()) -> None:
        self._configured = mentions(options.ssh_config, ROUTE_KEYWORDS) is not False
        self._options = options
        self._hosts = hosts if self._configured and mentions(options.ssh_config, JUDGE) is not False else ()
        self._ahead: dict[str, Future[Destination]] = {}

    def of(self, host: Host) -> Destination:
        """Return the destination of a host.

        Raises:
            InvalidVariable: A variable, or `ssh_config`, cannot be used.
        """
        if self._is_local(host):
            return Destination(None)
        if not self._configured and ARGUMENTS.isdisjoint(host.variables):
            return Destination(endpoint(host))
        if self._hosts:
            self._look_ahead()
        ahead = self._ahead.pop(host.name, None)
        if ahead is None:
            return self._looked_up(host)
        if not ahead.done() or ahead.cancelled():
            raise unusable(str(self._options.ssh_config), f"ssh -G: no answer within {_TOGETHER_S:g} s")
        return ahead.result()

    def _is_local(self, host: Host) -> bool:
        chosen = self._options.connection
        named = chosen is not None or "ansible_connection" in host.variables
        return named and kind(host, chosen) == "local"

    def _looked_up(self, host: Host) -> Destination:
        from runner.connection.target.access import look_up  # noqa: PLC0415 - imports Paramiko

        found = look_up(host, self._options)
        return Destination(found.target, direct=not (found.config.jumps or found.config.proxy_command))

    def _look_ahead(self) -> None:
        """Look up all hosts concurrently, within the time limit."""
        hosts, self._hosts = self._hosts, ()
        pool = ThreadPoolExecutor(_AT_ONCE, "runner-ssh-config")
        try:
            self._ahead = {host.name: pool.submit(self._looked_up, host) for host in hosts}
            wait(self._ahead.values(), _TOGETHER_S)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
