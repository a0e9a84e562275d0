"""Open TCP connections to many SSH ports at once, without threads."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from runner.models import Phase
from runner.reach.banner import peek_banner
from runner.reach.file_limit import socket_allowance
from runner.reach.icmp import errqueue
from runner.reach.options import Method, ReachOptions
from runner.reach.pacing import Deadlines
from runner.reach.reasons import Failure, Reason, from_errno, refusal
from runner.reach.rtt import handshake_ms

if TYPE_CHECKING:
    from runner.reach.icmp.errqueue import Refused
    from runner.reach.target import Address, Target

__all__ = ["ConnectProbes", "ConnectVerdict"]

_NEXT_ADDRESS_S = 0.25
"""The Connection Attempt Delay of RFC 8305 section 5."""
_PEEK_S = 0.05
"""Seconds until a partly received banner is checked again."""
_BACK_OFF_S = 0.05
_OUR_SHORTAGE = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)


class ConnectVerdict(Protocol):
    """Receives the outcome of the connections to a host."""

    def connected(self, connection: Connection, banner: str | None) -> None:
        """Record that the SSH port answered, with its banner if one was requested; take over the socket."""

    def unconnected(self, target: Target) -> None:
        """Record that all tries failed; the target's `failure` holds the reason, if one is known."""

    def unanswered(self, target: Target) -> None:
        """Record that half the time of a host's last try has passed without an answer."""


@dataclass(slots=True, eq=False)
class _Try:
    """One try at a host: its addresses in turn, each begun while the previous one is still undecided.

    Attributes:
        target: The host.
        rest: The addresses that have not been tried yet.
        open: The connections that were begun.
        unsure: Whether an address failed in a way that may be temporary, such as a missing route.
        over: Whether the try has ended.
    """

    target: Target
    rest: deque[Address]
    open: list[Connection] = field(default_factory=list)
    unsure: bool = False
    over: bool = False


@dataclass(slots=True, eq=False)
class Connection:
    """One connection to one address, established or still in progress.

    Attributes:
        attempt: The try that it belongs to.
        address: The address that it connects to.
        sock: The non-blocking socket.
        began: Monotonic time at which the connection was begun.
        rtt_ms: Round-trip time of its handshake in milliseconds; None until the handshake is complete.
    """

    attempt: _Try
    address: Address
    sock: socket.socket
    began: float
    rtt_ms: float | None = None

    @property
    def target(self) -> Target:
        """The host that it connects to."""
        return self.attempt.target


class ConnectProbes:
    """Begins connections without waiting for them, as many at once as the open-file limit permits.

    Args:
        options: Method, timeout and tries.
        verdict: Receives the outcomes.
        selector: The selector that watches the sockets.
        expected: The number of hosts that may be added.
    """

    def __init__(
        self, options: ReachOptions, verdict: ConnectVerdict, selector: selectors.BaseSelector, expected: int
    ) -> None:
        self._options = options
        self._verdict = verdict
        self._selector = selector
        self._expected = expected
        self._allowance: int | None = None
        self._queue: deque[Target] = deque()
        self._connections: set[Connection] = set()
        self._stagger: Deadlines[_Try] = Deadlines(_NEXT_ADDRESS_S)
        self._half: Deadlines[_Try] = Deadlines(options.timeout_s / 2)
        self._over: Deadlines[_Try] = Deadlines(options.timeout_s)
        self._banner_over: Deadlines[Connection] = Deadlines(options.timeout_s * options.tries)
        self._peek: Deadlines[Connection] = Deadlines(_PEEK_S)
        self._resume = 0.0
        self._short_since: float | None = None

    def close(self) -> None:
        """Close every socket that is still open."""
        for connection in self._connections:
            connection.sock.close()
        self._connections.clear()

    def add(self, target: Target) -> None:
        """Probe a target."""
        self._queue.append(target)

    def wants_to_send(self, now: float) -> bool:
        """Return whether a connection could be begun now."""
        if self._allowance is None and self._queue:
            self._allowance = socket_allowance(self._expected)
        return bool(self._queue) and now >= self._resume and len(self._connections) < (self._allowance or 0)

    def send(self, limit: int, now: float) -> int:
        """Begin up to `limit` connections, and return how many were begun."""
        sent = 0
        while sent < limit and self.wants_to_send(now):
            target = self._queue.popleft()
            if not target.decided:
                self._begin(target, now)
                sent += 1
        return sent

    def expire(self, now: float) -> None:
        """Start the next addresses and tries that are due, and end the tries whose time is over."""
        for attempt in self._stagger.expired(now):
            if not attempt.over and not attempt.target.decided:
                self._advance(attempt, now)
        for attempt in self._half.expired(now):
            if not attempt.over and attempt.target.connects == self._options.tries:
                self._verdict.unanswered(attempt.target)
        for attempt in self._over.expired(now):
            if not attempt.over:
                self._end(attempt)
        self._expire_banners(now)

    def _expire_banners(self, now: float) -> None:
        """Check partly received banners again, and decide those whose time is over."""
        for connection in self._peek.expired(now):
            if connection in self._connections:
                sock = connection.sock
                self._selector.register(sock, selectors.EVENT_READ, partial(self._on_banner, connection))
        for connection in self._banner_over.expired(now):
            if connection in self._connections:
                self._judge_banner(connection, final=True)

    def next_due(self) -> float | None:
        """Return the monotonic time of the next `expire` or `send`; None if only sockets are awaited."""
        waits = (self._stagger, self._half, self._over, self._peek, self._banner_over)
        dues = [each.next_due() for each in waits]
        if self._queue and len(self._connections) < (self._allowance or 1):
            dues.append(self._resume)
        return min((due for due in dues if due is not None), default=None)

    def _begin(self, target: Target, now: float) -> None:
        """Begin a try."""
        attempt = _Try(target, deque(target.addresses))
        target.connects += 1
        target.begin(now)
        self._half.add(attempt, now)
        self._over.add(attempt, now)
        self._advance(attempt, now)

    def _advance(self, attempt: _Try, now: float) -> None:
        """Begin a connection to the try's next address; report the host if all addresses have failed."""
        while attempt.rest:
            address = attempt.rest.popleft()
            number = self._connect(attempt, address, now)
            if number in _OUR_SHORTAGE:
                attempt.rest.clear()
                if not attempt.open:
                    self._hold_back(attempt, number, now)
                return
            if not number:
                if attempt.rest:
                    self._stagger.add(attempt, now)
                return
            self._note(attempt.target, number)
        if not attempt.open and (not attempt.unsure or self._is_last(attempt.target)):
            attempt.over = True
            self._verdict.unconnected(attempt.target)

    def _connect(self, attempt: _Try, address: Address, now: float) -> int:
        """Begin one connection; return the errno if that fails, else 0."""
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as exc:
            return exc.errno or errno.EIO
        sock.setblocking(False)
        errqueue.keep_errors(sock, keep=True)
        number = sock.connect_ex(address.sockaddr)
        if number not in (0, errno.EINPROGRESS):
            sock.close()
            return number
        connection = Connection(attempt, address, sock, now)
        attempt.open.append(connection)
        self._connections.add(connection)
        self._selector.register(sock, selectors.EVENT_WRITE, partial(self._on_connect, connection))
        self._short_since = None
        return 0

    def _hold_back(self, attempt: _Try, number: int, now: float) -> None:
        """Requeue a host if this machine has no free socket or port; fail it if none gets free in time."""
        attempt.over = True
        target = attempt.target
        if self._short_since is None:
            self._short_since = now
        if self._connections:
            self._allowance = len(self._connections)
        elif now - self._short_since > self._options.timeout_s * self._options.tries:
            self._note(target, number)
            self._verdict.unconnected(target)
            return
        target.connects -= 1
        self._queue.append(target)
        self._resume = now + _BACK_OFF_S

    def _end(self, attempt: _Try) -> None:
        """End a try whose time is over; queue the next try or report the host."""
        attempt.over = True
        for connection in attempt.open:
            self._close(connection)
        if attempt.target.decided:
            return
        if self._is_last(attempt.target):
            self._verdict.unconnected(attempt.target)
        else:
            self._queue.append(attempt.target)

    def _is_last(self, target: Target) -> bool:
        """Return whether this is the last try for a target."""
        return target.connects >= self._options.tries

    def _on_connect(self, connection: Connection, _events: int) -> None:
        """Handle a connection that is established or has failed."""
        if connection not in self._connections:
            return
        refused = next(errqueue.refusals(connection.sock), None)
        number = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not number and _is_its_own_peer(connection.sock):
            number = errno.ECONNREFUSED
        if connection.target.decided:
            self._close(connection)
        elif number:
            self._failed(connection, number, refused)
        else:
            self._stands(connection)

    def _failed(self, connection: Connection, number: int, refused: Refused | None) -> None:
        """Go on to the next address after a connection has failed."""
        self._close(connection)
        connection.attempt.open.remove(connection)
        reason = self._note(connection.target, number, refused)
        connection.attempt.unsure |= reason is not Reason.PORT_CLOSED
        self._advance(connection.attempt, time.monotonic())

    def _stands(self, connection: Connection) -> None:
        """Keep the first established connection of a try, and close the others."""
        connection.rtt_ms = handshake_ms(connection.sock, connection.began)
        connection.attempt.over = True
        for other in connection.attempt.open:
            if other is not connection:
                self._close(other)
        if self._options.method == Method.SSH:
            self._selector.modify(connection.sock, selectors.EVENT_READ, partial(self._on_banner, connection))
            self._banner_over.add(connection, time.monotonic())
        else:
            self._hand_over(connection, None)

    def _on_banner(self, connection: Connection, _events: int) -> None:
        """Handle data from the server."""
        if connection in self._connections:
            self._judge_banner(connection, final=False)

    def _judge_banner(self, connection: Connection, *, final: bool) -> None:
        """Decide by the data that the server has sent so far."""
        banner = peek_banner(connection.sock, final=final)
        if isinstance(banner, Reason):
            self._close(connection)
            connection.target.note(Failure(Phase.CONNECT, banner, self._banner_text(banner)))
            self._verdict.unconnected(connection.target)
        elif banner is not None:
            self._hand_over(connection, banner)
        else:  # an incomplete banner stays readable and would wake the selector again at once
            self._selector.unregister(connection.sock)
            self._peek.add(connection, time.monotonic())

    def _banner_text(self, reason: Reason) -> str:
        """Return the error message for a missing banner."""
        if reason is Reason.CLOSED_EARLY:
            return "connection closed before the SSH banner"
        if reason is Reason.NOT_SSH:
            return "the server on this port does not speak SSH"
        return (
            f"connection accepted, but no SSH banner in {self._options.timeout_s * self._options.tries:g} s"
        )

    def _note(self, target: Target, number: int, refused: Refused | None = None) -> Reason:
        """Record a socket error, with the router's ICMP error if any; ignore a timeout: it means silence."""
        reason = refused.reason if refused else from_errno(number) or Reason.LOCAL_LIMIT
        offender = refused.offender if refused else None
        if reason is not Reason.NO_REPLY:
            target.note(refusal(Phase.CONNECT, reason, offender=offender, number=number))
        return reason

    def _hand_over(self, connection: Connection, banner: str | None) -> None:
        """Pass an established connection, with its socket, to the verdict."""
        self._connections.discard(connection)
        self._selector.unregister(connection.sock)
        errqueue.keep_errors(connection.sock, keep=False)
        self._verdict.connected(connection, banner)

    def _close(self, connection: Connection) -> None:
        """Close a socket, once."""
        if connection in self._connections:
            self._connections.discard(connection)
            with contextlib.suppress(KeyError):
                self._selector.unregister(connection.sock)
            connection.sock.close()


def _is_its_own_peer(sock: socket.socket) -> bool:
    """Return whether a socket is connected to itself: on loopback, the kernel may choose the target port."""
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False
