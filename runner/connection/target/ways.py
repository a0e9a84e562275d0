"""The way to each host, as the connections know it, told to the probes, which know nothing of connections."""

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
    """Return what tells probes where SSH will go for a host.

    Args:
        options: How hosts will be connected to.
        hosts: The hosts that will be asked about, as far as they are known beforehand.
    """
    destinations = Destinations(options, hosts)

    def way(host: Host) -> Way | None:
        where, direct = destinations.of(host)
        return None if where is None else Way(where.address, where.port, direct)

    return way
