"""The way to a host, as far as a probe has to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.inventory.endpoint import endpoint

if TYPE_CHECKING:
    from runner.models import Host

__all__ = ["Way", "Ways", "given"]


class Way(NamedTuple):
    """Where SSH goes to reach a host.

    Attributes:
        address: The address or name of its SSH server.
        port: The TCP port of its SSH server.
        direct: Whether that is reached from here; otherwise it lies behind a jump host.
    """

    address: str
    port: int
    direct: bool = True


class Ways(Protocol):
    """Knows the way to every host."""

    def __call__(self, host: Host) -> Way | None:
        """Return the way to a host, None to this machine itself; raise `HostError` where none can be told."""


def given(host: Host) -> Way:
    """Return the way that a host's address and port in the inventory tell by themselves.

    Raises:
        InvalidVariable: One of the two cannot be used.
    """
    where = endpoint(host)
    return Way(where.address, where.port)
