"""The connections to the hosts of one run, as the fan-out uses them."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.connection import deadline, kind, load_ahead, pool
from runner.connection.transport.preconnected import Preconnected

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from threading import Thread

    from runner.connection.options import ConnectionOptions
    from runner.models import Host, HostResult
    from runner.reach import ReachOptions

__all__ = ["Connections"]

_FILES = {"ssh": 4, "local": 10, "openssh": 18, "cli": 19}
"""Maximum number of files that one host needs at once, by connection: the `ssh` program has many pipes."""


class Connections:
    """The connections of a run; see `runner.fanout.connecting.Connecting`."""

    abort: Callable[[str], None] = staticmethod(deadline.abort)
    forget: Callable[[str], None] = staticmethod(deadline.forget)
    most_files = max(_FILES.values())

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options

    def options(self, processes: int) -> ConnectionOptions:
        """Return the options for each of several processes."""
        if not self._options.startups:
            return self._options
        return replace(self._options, startups=max(1, self._options.startups // processes))

    def connected(self, hosts: Sequence[Host]) -> set[str]:
        """Return the names of the hosts to which this process already has a connection."""
        return pool.connected(hosts)

    def load_ahead(self, hosts: Sequence[Host]) -> Thread:
        """Import the modules for the connections to these hosts, in a thread."""
        return load_ahead(hosts, self._options.connection)

    def files(self, hosts: Sequence[Host]) -> int:
        """Return the maximum number of files that a connection to one of these hosts needs at once."""
        most = min(_FILES.values())
        for host in hosts:
            with suppress(Exception):  # its variables may raise; its own connection will report that
                most = max(most, _FILES.get(kind(host, self._options.connection), self.most_files))
        return most

    @contextmanager
    def probing(
        self, hosts: Sequence[Host], reach: ReachOptions, most_handed_on: int
    ) -> Generator[Generator[HostResult, None, None], None, None]:
        """Ping hosts inside this context; pass up to `most_handed_on` of the connections on to logins."""
        from runner.connection.target.routes import routes  # noqa: PLC0415
        from runner.reach import probe  # noqa: PLC0415 - not every run pings

        with closing(Preconnected(most_handed_on)) as preconnected:
            yield probe(hosts, reach, routes=routes(self._options, hosts), preconnected=preconnected)
