"""Connection pool: connections that stay open from one round over the same hosts to the next.

A login takes a connection from here or opens a new one; both work alike. The pool returns only open
connections, and only in the process that keeps them: a connection cannot move to another process.
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

__all__ = ["Lasting", "Pool", "connected", "keep", "keeping", "taken"]


@runtime_checkable
class Lasting(Protocol):
    """A connection that can serve another job after one has ended."""

    def alive(self) -> bool:
        """Return whether the connection is open, as far as is known."""

    def hold(self) -> None:
        """Wait for another job, with keepalives so that no device on the way forgets the connection."""

    def renew(self, deadline: Deadline) -> bool:
        """Use the connection for another job with its own deadline; return whether the host still answers."""

    def close(self) -> None:
        """End the connection at once."""


class _Login(NamedTuple):
    """A connection with its host (that very object) and the options that it was made with."""

    host: Host
    options: ConnectionOptions
    connection: Lasting


class Pool:
    """Connections that wait for the next job on their host.

    Args:
        most: Maximum number of connections to keep; each takes a file descriptor and a thread.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._logins: dict[str, _Login] = {}
        self._lock = threading.Lock()
        self._closed = False

    def __len__(self) -> int:
        return len(self._logins)

    def connected(self, hosts: Iterable[Host]) -> set[str]:
        """Return the names of the hosts with an open connection; drop connections that have ended."""
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
        """Return the open connection to a host, under a new deadline; None if there is none."""
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
        """Keep a connection; return whether there was room for it."""
        with self._lock:
            if self._closed or len(self._logins) >= self._most or login.host.name in self._logins:
                return False
            self._logins[login.host.name] = login
            return True

    def close(self) -> None:
        """End all connections, and keep none from now on."""
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
    """Keep connections inside this context; when it ends, for whatever reason, close all of them.

    Args:
        most: Maximum number of connections.
    """
    kept = Pool(most)
    _open.add(kept)
    try:
        yield kept
    finally:
        _open.discard(kept)
        kept.close()


def connected(hosts: Iterable[Host]) -> set[str]:
    """Return the names of those hosts to which this process has an open connection."""
    return {name for kept in tuple(_open) for name in kept.connected(hosts)}


def taken(host: Host, options: ConnectionOptions, deadline: Deadline) -> Connection | None:
    """Return an open connection to a host that an earlier job left in the pool; None if there is none.

    Args:
        host: The host.
        options: The options for connecting to it.
        deadline: The new job's deadline.
    """
    for kept in tuple(_open):
        found = kept.take(host, options, deadline)
        if found is not None:
            return cast("Connection", found)
    return None


def keep(host: Host, options: ConnectionOptions, connection: Connection) -> bool:
    """Leave a connection in the pool for the next job; return whether it was kept (if not, close it)."""
    if not _open or not isinstance(connection, Lasting) or not connection.alive():
        return False
    try:
        connection.hold()
    except Exception:  # noqa: BLE001 - the connection has just ended; its error is of no use any more
        return False
    login = _Login(host, options, connection)
    return any(kept.give(login) for kept in tuple(_open))
