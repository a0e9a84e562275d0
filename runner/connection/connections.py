"""How the hosts of one run are connected to, as a fan-out sees it."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.connection import deadline, kind, load_ahead
from runner.connection import pool as kept
from runner.connection.transport.preconnected import Preconnected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from threading import Thread

    from runner.connection.options import ConnectionOptions
    from runner.models import Host, HostResult
    from runner.reach import ReachOptions

__all__ = ["Connections"]

_FILES = {"ssh": 4, "local": 10, "openssh": 18}
"""The most files that one host takes at once, by its connection: the `ssh` program has many pipes."""


class Connections:
    """The connections of a run; see `runner.fanout.connecting.Connecting`."""

    abort: Callable[[str], None] = staticmethod(deadline.abort)
    forget: Callable[[str], None] = staticmethod(deadline.forget)
    most_files = max(_FILES.values())

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options

    def options(self, processes: int) -> ConnectionOptions:
        """Return how each of several processes is to connect."""
        if not self._options.startups:
            return self._options
        return replace(self._options, startups=max(1, self._options.startups // processes))

    def standing(self, hosts: Sequence[Host]) -> set[str]:
        """Return the names of the hosts to which this process has a connection already."""
        return kept.standing(hosts)

    def load_ahead(self, hosts: Sequence[Host]) -> Thread:
        """Load what connections to these hosts need, in a thread."""
        return load_ahead(hosts)

    def files(self, hosts: Sequence[Host]) -> int:
        """Return the most files that a connection to one of these hosts takes at once."""
        most = min(_FILES.values())
        for host in hosts:
            with suppress(Exception):  # its variables may raise; its own connection will report that
                most = max(most, _FILES.get(kind(host), self.most_files))
        return most

    @contextmanager
    def probing(
        self, hosts: Sequence[Host], reach: ReachOptions, most_handed_on: int
    ) -> Generator[Generator[HostResult, None, None], None, None]:
        """Ping hosts while the context lasts; hand so many of the connections on to logins."""
        from runner.connection.target.ways import ways  # noqa: PLC0415
        from runner.reach import probe  # noqa: PLC0415 - not every run pings

        with closing(Preconnected(most_handed_on)) as handover:
            yield probe(hosts, reach, ways=ways(self._options, hosts), handover=handover)
