"""Give the probes the address of each host; the probes themselves do not depend on the connection code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.connection.target.destination import Destinations
from runner.reach import Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.connection import ConnectionOptions
    from runner.models import Host
    from runner.reach import Ways

__all__ = ["ways"]


def ways(options: ConnectionOptions, hosts: Sequence[Host] = ()) -> Ways:
    """Return the function with which probes find where SSH will connect to for a host.

    Args:
        options: The options for connecting to hosts.
        hosts: The hosts that will be looked up, as far as they are known beforehand.
    """
    destinations = Destinations(options, hosts)

    def way(host: Host) -> Way | None:
        where, direct = destinations.of(host)
        return None if where is None else Way(where.address, where.port, direct)

    return way
