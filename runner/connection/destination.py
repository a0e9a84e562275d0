"""Where SSH goes for a host, and whether straight: what a probe has to know before anybody logs in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from runner.connection import kind
from runner.connection.ssh_arguments import ARGUMENTS, read_arguments
from runner.connection.ssh_config.host_config import host_config, tells_ways
from runner.inventory.endpoint import endpoint
from runner.models import Endpoint

if TYPE_CHECKING:
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["Destination", "Destinations"]

_SSH_PORT = 22


class Destination(NamedTuple):
    """Where a host is.

    Attributes:
        endpoint: Where its SSH server listens; None where the host is this machine itself.
        direct: Whether that is reached from here, and not through a jump host or a program.
    """

    endpoint: Endpoint | None
    direct: bool = True


class Destinations:
    """Tells where hosts are, at next to no cost where nothing but the inventory has a say in it.

    What `ssh_config` says of ways counts only where it can be read here: a process of `ssh` for each host
    would take longer than all the probes.

    Args:
        options: How hosts are connected to.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        said = tells_ways(options.ssh_config)
        self._configured = bool(said)
        self._options = options if said is not None else replace(options, ssh_config=None)

    def of(self, host: Host) -> Destination:
        """Return where a host is.

        Raises:
            InvalidVariable: A variable, or `ssh_config`, cannot be used as what it stands for.
        """
        if "ansible_connection" in host.variables and kind(host) == "local":
            return Destination(None)
        if not self._configured and ARGUMENTS.isdisjoint(host.variables):
            return Destination(endpoint(host))
        return self._worked_out(host)

    def _worked_out(self, host: Host) -> Destination:
        """Do as `access` does, for the sake of the way alone."""
        from runner.connection.logins import given_user  # noqa: PLC0415 - brings Paramiko in

        options = self._options
        arguments = read_arguments(host, allow_commands=options.allow_commands)
        given = endpoint(host, arguments.port or 0)
        config = host_config(
            options.ssh_config, given.address, given_user(host, options, arguments), given.port or None
        )
        target = Endpoint(config.address or given.address, given.port or config.port or _SSH_PORT)
        if arguments.jumps is not None:
            return Destination(target, direct=not arguments.jumps)
        through = arguments.proxy_command or config.jumps or config.proxy_command
        return Destination(target, direct=not through)
