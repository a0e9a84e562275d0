"""Look up many names at once, in threads: only `getaddrinfo` follows the system's own configuration.

A lookup cannot be interrupted, so the threads are daemons, and a lookup past its deadline is abandoned.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.models import Phase
from runner.reach.reasons import Failure, Reason
from runner.reach.target import Address, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Resolver", "numeric_addresses"]

_THREADS = 32
_MAPPED = "::ffff:"
_MOST_ADDRESSES = 8
_NOT_FOUND = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def numeric_addresses(address: str, port: int) -> tuple[Address, ...]:
    """Return the address if the text is a numeric address; return an empty tuple if it is a name."""
    try:
        socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        if ":" not in address:
            return ()
    else:
        return (Address(socket.AF_INET, (address, port)),)
    try:
        return _addresses(address, port, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ()


def _addresses(name: str, port: int, flags: int = 0) -> tuple[Address, ...]:
    """Ask the system for the addresses of a name, best first (RFC 6724), each once."""
    unique: dict[Address, None] = {}
    for family, _, _, _, sockaddr in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags):
        if family in (socket.AF_INET, socket.AF_INET6) and isinstance(sockaddr[0], str):
            unique[_address(family, sockaddr)] = None
    return tuple(unique)[:_MOST_ADDRESSES]


def _address(family: int, sockaddr: tuple[Any, ...]) -> Address:
    """Convert an address from `getaddrinfo`; an IPv4-mapped IPv6 address becomes the IPv4 address."""
    text, port, *rest = sockaddr
    if family == socket.AF_INET6 and text.startswith(_MAPPED) and "." in text:
        return Address(socket.AF_INET, (text.removeprefix(_MAPPED), port))
    return Address(family, (text, port, *rest))


@dataclass(slots=True, eq=False)
class _Lookup:
    """One lookup, shared by all targets with the same name and port."""

    name: str
    port: int
    targets: list[Target]
    began: float = 0.0
    ended: bool = False
    outcome: tuple[Address, ...] | Failure = ()


class Resolver:
    """Looks up names in threads and passes the outcomes to the thread that runs the probes.

    Its `fileno` becomes readable when outcomes are ready. A lookup fails when it takes longer than the
    deadline. All lookups fail when the name servers have not answered for that long, so that a dead name
    server delays a fleet no longer than a single host.

    Args:
        deadline_s: Seconds to wait for an answer from the name servers.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline = deadline_s
        self._lookups: dict[tuple[str, int], _Lookup] = {}
        self._work: queue.SimpleQueue[_Lookup | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Lookup] = queue.SimpleQueue()
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)
        self._under_way: set[_Lookup] = set()
        self._threads = 0
        self._progress = time.monotonic()
        self._closed = False

    def fileno(self) -> int:
        """Return the file descriptor, for a selector."""
        return self._awake.fileno()

    def add(self, target: Target) -> None:
        """Look up a target's name."""
        target.begin(time.monotonic())
        key = (target.address, target.port)
        lookup = self._lookups.get(key)
        if lookup:
            lookup.targets.append(target)
            return
        if not self._lookups:
            self._progress = time.monotonic()
        lookup = self._lookups[key] = _Lookup(*key, [target])
        self._work.put(lookup)
        if self._threads < _THREADS:
            self._start_thread()

    def outcomes(self) -> Iterator[tuple[Target, tuple[Address, ...] | Failure]]:
        """Yield the outcomes that are ready, including a failure for each lookup past its deadline."""
        with contextlib.suppress(BlockingIOError):
            while self._awake.recv(4096):
                pass
        with contextlib.suppress(queue.Empty):
            while True:
                lookup = self._done.get_nowait()
                self._progress = time.monotonic()
                yield from self._finish(lookup, lookup.outcome)
        yield from self._overdue(time.monotonic())

    def next_due(self) -> float | None:
        """Return the monotonic time at which the next lookup may time out; None if there are no lookups."""
        if not self._lookups:
            return None
        return min([self._progress, *(lookup.began for lookup in list(self._under_way))]) + self._deadline

    def close(self) -> None:
        """Let each thread end when its lookup is done."""
        self._closed = True
        for _ in range(self._threads):
            self._work.put(None)
        self._wake.close()
        self._awake.close()

    def _overdue(self, now: float) -> Iterator[tuple[Target, tuple[Address, ...] | Failure]]:
        """Yield a failure for each lookup that has taken too long."""
        if now - self._progress >= self._deadline:
            overdue = list(self._lookups.values())
        else:
            overdue = [lookup for lookup in list(self._under_way) if now - lookup.began >= self._deadline]
        for lookup in overdue:
            if lookup in self._under_way:
                self._under_way.discard(lookup)
                self._start_thread()
            text = f"{lookup.name!r}: no answer from the name servers in {self._deadline:g} s"
            yield from self._finish(lookup, Failure(Phase.RESOLVE, Reason.RESOLVE_TIMEOUT, text))

    def _finish(
        self, lookup: _Lookup, outcome: tuple[Address, ...] | Failure
    ) -> Iterator[tuple[Target, tuple[Address, ...] | Failure]]:
        """Yield one outcome for each target that waits for it, once."""
        if not lookup.ended:
            lookup.ended = True
            self._lookups.pop((lookup.name, lookup.port), None)
            for target in lookup.targets:
                yield target, outcome

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work_on, name=f"resolve-{self._threads}", daemon=True).start()

    def _work_on(self) -> None:
        """Look up names until the resolver is closed; runs in a thread."""
        while (lookup := self._work.get()) is not None and not self._closed:
            if lookup.ended:
                continue
            lookup.began = time.monotonic()
            self._under_way.add(lookup)
            lookup.outcome = _look_up(lookup.name, lookup.port)
            self._under_way.discard(lookup)
            self._done.put(lookup)
            with contextlib.suppress(OSError):
                self._wake.send(b"\0")


def _look_up(name: str, port: int) -> tuple[Address, ...] | Failure:
    """Look up one name; return its addresses, or the failure."""
    try:
        addresses = _addresses(name, port)
    except socket.gaierror as exc:
        if exc.errno in _NOT_FOUND:
            return Failure(Phase.RESOLVE, Reason.NAME_NOT_FOUND, f"{name!r}: no such name")
        return Failure(Phase.RESOLVE, Reason.RESOLVE_FAILED, f"{name!r}: name not resolved: {exc.strerror}")
    except (OSError, UnicodeError) as exc:
        return Failure(Phase.RESOLVE, Reason.NAME_NOT_FOUND, f"{name!r}: cannot be looked up: {exc}")
    if not addresses:
        return Failure(Phase.RESOLVE, Reason.NAME_NOT_FOUND, f"{name!r}: has no IPv4 or IPv6 address")
    return addresses
