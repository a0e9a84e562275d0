"""Where SSH goes for a host, and whether straight: what a probe has to know before anybody logs in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, NamedTuple

from runner.connection import kind
from runner.connection.ssh_config.arguments import ARGUMENTS
from runner.connection.ssh_config.host_config import WAYS, mentions
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
"""Processes of `ssh -G` side by side."""
_TOGETHER_S = 60.0
"""Seconds that all of them may take before the first host is probed."""


class Destination(NamedTuple):
    """Where a host is.

    Attributes:
        endpoint: Where its SSH server listens; None where the host is this machine itself.
        direct: Whether that is reached from here, and not through a jump host or a program.
    """

    endpoint: Endpoint | None
    direct: bool = True


class Destinations:
    """Tells where hosts are, quickly if only the inventory has a say in it.

    A host whose options only `ssh` can judge is asked about with `ssh -G`: side by side, and before any of
    them is probed.

    Args:
        options: How hosts are connected to.
        hosts: The hosts that will be asked about, as far as they are known beforehand.
    """

    def __init__(self, options: ConnectionOptions, hosts: Sequence[Host] = ()) -> None:
        self._configured = mentions(options.ssh_config, WAYS) is not False
        self._options = options
        self._hosts = hosts if self._configured and mentions(options.ssh_config, JUDGE) is not False else ()
        self._ahead: dict[str, Future[Destination]] = {}

    def of(self, host: Host) -> Destination:
        """Return where a host is.

        Raises:
            InvalidVariable: A variable, or `ssh_config`, cannot be used.
        """
        if "ansible_connection" in host.variables and kind(host) == "local":
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

    def _looked_up(self, host: Host) -> Destination:
        from runner.connection.target.access import look_up  # noqa: PLC0415 - brings Paramiko in

        found = look_up(host, self._options)
        return Destination(found.target, direct=not (found.config.jumps or found.config.proxy_command))

    def _look_ahead(self) -> None:
        """Look up all hosts at once, as far as that is done in time."""
        hosts, self._hosts = self._hosts, ()
        pool = ThreadPoolExecutor(_AT_ONCE, "runner-ssh-config")
        try:
            self._ahead = {host.name: pool.submit(self._looked_up, host) for host in hosts}
            wait(self._ahead.values(), _TOGETHER_S)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
