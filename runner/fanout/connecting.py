"""All that a fan-out has to know of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager
    from threading import Thread

    from runner.models import Host, HostResult
    from runner.reach import ReachOptions

__all__ = ["Connecting"]


class Connecting(Protocol):
    """How hosts are connected to: `runner.connection.connections.Connections`.

    Attributes:
        abort: Ends what runs for a run, by its id, in this process; it can be sent to others.
        forget: Takes that back, so that the id can be used again.
        most_files: The most files that a connection to any host takes at once.
    """

    abort: Callable[[str], None]
    forget: Callable[[str], None]
    most_files: int

    def options(self, processes: int) -> Any:
        """Return what a job is done with in each of several processes, which keep to limits together."""

    def standing(self, hosts: Sequence[Host]) -> set[str]:
        """Return the names of the hosts to which this process has a connection already."""

    def load_ahead(self, hosts: Sequence[Host]) -> Thread:
        """Load what connections to these hosts need, in a thread."""

    def files(self, hosts: Sequence[Host]) -> int:
        """Return the most files that a connection to one of these hosts takes at once."""

    def probing(
        self, hosts: Sequence[Host], reach: ReachOptions, most_handed_on: int
    ) -> AbstractContextManager[Generator[HostResult, None, None]]:
        """Ping hosts while the context lasts; hand so many of the connections on to logins."""
