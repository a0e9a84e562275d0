"""The interface between a fan-out and the connections."""

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
        abort: Ends the commands of a run (by run id) in this process; can be pickled for other processes.
        forget: Undoes `abort`, so that the id can be used again.
        most_files: Upper limit of open files per connection, for any host.
    """

    abort: Callable[[str], None]
    forget: Callable[[str], None]
    most_files: int

    def options(self, processes: int) -> Any:
        """Return the connection options for a job; limits are shared by this number of processes."""

    def connected(self, hosts: Sequence[Host]) -> set[str]:
        """Return the names of the hosts to which this process already has an open connection."""

    def load_ahead(self, hosts: Sequence[Host]) -> Thread:
        """Import the modules that connections to these hosts need, in a thread."""

    def files(self, hosts: Sequence[Host]) -> int:
        """Return the largest number of open files that a connection to one of these hosts needs."""

    def probing(
        self, hosts: Sequence[Host], reach: ReachOptions, most_handed_on: int
    ) -> AbstractContextManager[Generator[HostResult, None, None]]:
        """Ping hosts while the context lasts; reuse up to `most_handed_on` of the connections for logins."""
