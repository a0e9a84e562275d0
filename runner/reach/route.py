"""Where a probe has to connect to reach a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.inventory.endpoint import endpoint

if TYPE_CHECKING:
    from runner.models import Host

__all__ = ["Route", "Routes", "given"]


class Route(NamedTuple):
    """The address and port that SSH connects to for a host.

    Attributes:
        address: The address or name of its SSH server.
        port: The TCP port of its SSH server.
        direct: Whether this machine connects to it directly, and not through a jump host.
    """

    address: str
    port: int
    direct: bool = True


class Routes(Protocol):
    """Returns the way to a host."""

    def __call__(self, host: Host) -> Route | None:
        """Return the way to a host, or None for this machine itself; raise `HostError` if it is not known."""


def given(host: Host) -> Route:
    """Return the way given by a host's address and port in the inventory.

    Raises:
        InvalidVariable: The address or the port is invalid.
    """
    where = endpoint(host)
    return Route(where.address, where.port)
