"""Logins that outlast their job, kept open from one round over the same hosts to the next.

Who has to log in finds a connection here or makes one; nothing depends on which. Only what stands is handed
out, and only in the process that keeps it: a connection does not travel to another.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.connection import Connection
    from runner.connection.deadline import Deadline
    from runner.connection.options import ConnectionOptions
    from runner.models import Host

__all__ = ["Lasting", "Pool", "keep", "keeping", "standing", "taken"]


@runtime_checkable
class Lasting(Protocol):
    """A connection that can serve another job when one is done."""

    def alive(self) -> bool:
        """Whether it stands, as far as has been heard."""

    def hold(self) -> None:
        """Wait for another job, in a way that nothing between here and the host forgets the connection."""

    def renew(self, deadline: Deadline) -> bool:
        """Serve another job under its own deadline; whether the host is still there for it."""

    def close(self) -> None:
        """End it at once."""


class _Login(NamedTuple):
    """A connection, and whose it is: that host's very object and the options that it was made with."""

    host: Host
    options: ConnectionOptions
    connection: Lasting


class Pool:
    """Connections that wait for the next job on their host.

    Args:
        most: How many are kept; each takes a file descriptor and a thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._logins: dict[str, _Login] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._logins)

    def standing(self, hosts: Iterable[Host]) -> set[str]:
        """Return the names of those hosts to which a connection stands; what has ended is dropped."""
        found = set()
        for host in hosts:
            login = self._logins.get(host.name)
            if login is None or login.host is not host:
                continue
            if login.connection.alive():
                found.add(host.name)
            else:
                self._drop(login)
        return found

    def take(self, host: Host, options: ConnectionOptions, deadline: Deadline) -> Lasting | None:
        """Return the connection to a host, under a new deadline; None where there is none that stands."""
        with self._lock:
            login = self._logins.get(host.name)
            if login is None or login.host is not host or login.options != options:
                return None
            del self._logins[host.name]
        try:
            if login.connection.alive() and login.connection.renew(deadline):
                return login.connection
        except BaseException:
            login.connection.close()
            raise
        login.connection.close()
        return None

    def give(self, login: _Login) -> bool:
        """Keep a connection; tell whether there was room for it."""
        with self._lock:
            if self._closed or len(self._logins) >= self._most or login.host.name in self._logins:
                return False
            self._logins[login.host.name] = login
            return True

    def close(self) -> None:
        """End all of them, and keep none that still comes."""
        with self._lock:
            self._closed = True
            logins = tuple(self._logins.values())
            self._logins.clear()
        for login in logins:
            login.connection.close()

    def _drop(self, login: _Login) -> None:
        with self._lock:
            if self._logins.get(login.host.name) is not login:
                return
            del self._logins[login.host.name]
        login.connection.close()


_open: set[Pool] = set()


@contextmanager
def keeping(most: int) -> Iterator[Pool]:
    """Keep connections while the context lasts; with its end, however that comes, all of them end.

    Args:
        most: How many at once.
    """
    kept = Pool(most)
    _open.add(kept)
    try:
        yield kept
    finally:
        _open.discard(kept)
        kept.close()


def standing(hosts: Iterable[Host]) -> set[str]:
    """Return the names of those hosts to which this process has a connection that stands."""
    return {name for kept in tuple(_open) for name in kept.standing(hosts)}


def taken(host: Host, options: ConnectionOptions, deadline: Deadline) -> Connection | None:
    """Return a connection to a host that an earlier job has left; None where there is none that stands.

    Args:
        host: The host.
        options: How it would be connected to.
        deadline: That of the new job.
    """
    for kept in tuple(_open):
        found = kept.take(host, options, deadline)
        if found is not None:
            return cast("Connection", found)
    return None


def keep(host: Host, options: ConnectionOptions, connection: Connection) -> bool:
    """Leave a connection to whoever works on the host next; tell whether it is kept, and not to be closed."""
    if not _open or not isinstance(connection, Lasting) or not connection.alive():
        return False
    try:
        connection.hold()
    except Exception:  # noqa: BLE001 - it has just ended, and what it ended with is nobody's any more
        return False
    login = _Login(host, options, connection)
    return any(kept.give(login) for kept in tuple(_open))
