"""The workers of a cluster and their calls, and the choice of a worker for the next call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Roster", "Site"]


@dataclass(slots=True, eq=False)
class Site:
    """One Dask worker.

    Attributes:
        address: Its address.
        id: Its id, which is unique.
        resources: Names of the resources that it was started with.
        calls: Numbers of the calls assigned to it.
    """

    address: str
    id: str
    resources: frozenset[str] = frozenset()
    calls: set[int] = field(default_factory=set)


class Roster:
    """The workers of a cluster."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}

    def __len__(self) -> int:
        return len(self._sites)

    def add(self, site: Site) -> Site | None:
        """Add a worker; return the previous worker at its address, if any."""
        before = self._sites.get(site.address)
        self._sites[site.address] = site
        return before

    def remove(self, gone: Iterable[str]) -> list[Site]:
        """Remove workers by their addresses; return them."""
        return [self._sites.pop(address) for address in list(gone) if address in self._sites]

    def addresses(self) -> set[str]:
        """Return the workers' addresses."""
        return set(self._sites)

    def resources(self) -> list[str]:
        """Return the names of all the workers' resources, sorted."""
        return sorted({name for site in self._sites.values() for name in site.resources})

    def least_busy(self, resource: str | None) -> Site | None:
        """Return the worker with the fewest calls among those with the resource; None if there is none."""
        fit = (site for site in self._sites.values() if resource is None or resource in site.resources)
        return min(fit, key=lambda site: len(site.calls), default=None)
