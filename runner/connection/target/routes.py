"""Give the probes the address of each host; the probes themselves do not depend on the connection code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.target.destination import Destinations
from runner.reach import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connection import ConnectionOptions
    from runner.models import Host
    from runner.reach import Routes

__all__ = ["routes"]


def routes(options: ConnectionOptions, hosts: Sequence[Host] = ()) -> Routes:
    """Return the function with which probes find where SSH will connect to for a host.

    Args:
        options: The options for connecting to hosts.
        hosts: The hosts that will be looked up, as far as they are known beforehand.
    """
    destinations = Destinations(options, hosts)

    def route(host: Host) -> Route | None:
        where, direct = destinations.of(host)
        return None if where is None else Route(where.address, where.port, direct)

    return route
