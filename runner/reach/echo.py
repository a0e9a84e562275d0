"""ICMP echo to many hosts through one socket per address family, in waves to those still silent."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Protocol

from runner.errors import PermissionMissing
from runner.models import Phase
from runner.reach.icmp import EchoSocket
from runner.reach.pacing import Deadlines
from runner.reach.reasons import Failure, Reason, from_errno, refusal

if TYPE_CHECKING:
    from runner.reach.errqueue import Refused
    from runner.reach.options import ReachOptions
    from runner.reach.target import Address, Target

__all__ = ["EchoProbes", "EchoVerdict"]

_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_SENDS = 3
"""How often a send is tried whose error may have been an earlier packet's."""
_EXTRA_TRIES = 3
"""How many more tries a silent host gets when this machine has thrown replies away."""
_OUR_SHORTAGE = frozenset({errno.ENOBUFS, errno.ENOMEM})
_BACK_OFF_S = 0.01


class EchoVerdict(Protocol):
    """Who is told what became of the echo probes of a host."""

    def echoed(self, target: Target, address: Address, rtt_ms: float) -> None:
        """Take in a reply that proves the host up."""

    def silent(self, target: Target) -> None:
        """Take in that all tries are over; the target's `failure` holds what else is known."""


class EchoProbes:
    """Sends echo requests, wave after wave to the hosts that stay silent, and matches what comes back.

    A next try is sent after half of a try's timeout, while the one before may still be answered. So every try
    is waited for its whole timeout, and a silent host still costs less than tries x timeout.

    Args:
        options: Timeout and tries.
        verdict: Who is told.
        selector: What waits for the sockets.
    """

    def __init__(self, options: ReachOptions, verdict: EchoVerdict, selector: selectors.BaseSelector) -> None:
        self._options = options
        self._verdict = verdict
        self._selector = selector
        self._sockets: dict[int, EchoSocket] = {}
        self._targets: dict[bytes, Target] = {}
        self._by_address: dict[str, Target] = {}
        self._queue: deque[Target] = deque()
        self._again: Deadlines[Target] = Deadlines(options.timeout_s / 2)
        self._over: Deadlines[Target] = Deadlines(options.timeout_s)
        self._blocked = False
        self._resume = 0.0
        self._dropped = 0
        self._drop_seen_ns = 0

    def open(self) -> PermissionMissing | OSError | None:
        """Open a socket for each address family; return why one is missing."""
        missing: PermissionMissing | OSError | None = None
        for family in _FAMILIES:
            try:
                sock = EchoSocket(family)
            except (PermissionMissing, OSError) as exc:
                missing = missing or exc
                continue
            self._sockets[family] = sock
            self._selector.register(sock, selectors.EVENT_READ, partial(self._on_event, sock))
        return missing

    def close(self) -> None:
        """Close the sockets."""
        for sock in self._sockets.values():
            sock.close()

    def reaches(self, address: Address) -> bool:
        """Tell whether there is a socket for the family of an address."""
        return address.family in self._sockets

    def add(self, target: Target) -> None:
        """Probe a target at all its addresses that can be pinged; the first to answer proves it up."""
        target.pinged = tuple(address for address in target.addresses if self.reaches(address))
        if target.pinged:
            self._targets[target.token] = target
            self._by_address.clear()
            self._queue.append(target)

    def wants_to_send(self, now: float) -> bool:
        """Tell whether a probe could be sent now."""
        return bool(self._queue) and not self._blocked and now >= self._resume

    def send(self, limit: int, now: float) -> int:
        """Send up to about so many echo requests, and return how many it were."""
        queue = self._queue
        sent = 0
        while queue and sent < limit and self.wants_to_send(now):
            target = queue.popleft()
            if target.decided:
                continue
            count = self._send_wave(target, now)
            if count is None:
                queue.appendleft(target)
                break
            sent += count
        return sent

    def expire(self, now: float) -> None:
        """Send the silent hosts their next try, or give them up."""
        self._queue.extend(target for target in self._again.expired(now) if not target.decided)
        over = [target for target in self._over.expired(now) if not target.decided]
        if over:
            self._look_for_drops()
        for target in over:
            if target.sent_ns[-1] < self._drop_seen_ns and target.pings < self._options.tries + _EXTRA_TRIES:
                self._queue.append(target)
            else:
                self._verdict.silent(target)

    def next_due(self) -> float | None:
        """Tell the monotonic time of the next thing to do; None where only replies are awaited."""
        dues = [self._again.next_due(), self._over.next_due(), self._resume if self._queue else None]
        return min((due for due in dues if due is not None), default=None)

    def _send_wave(self, target: Target, now: float) -> int | None:
        """Send one request to each address of a target and return how many; None where the socket is full."""
        refused = 0
        for address in target.pinged[len(target.sent_ns) % len(target.pinged) :]:
            failure = self._send(target, address, now)
            if failure is _FULL:
                return None
            if failure:
                target.note(failure)
                refused += 1
        self._await(target, now, hopeless=refused == len(target.pinged))
        return len(target.pinged)

    def _await(self, target: Target, now: float, *, hopeless: bool) -> None:
        """Let the wave's end fall due."""
        if not target.pings_prove:
            return
        if hopeless:
            self._verdict.silent(target)
        elif target.pings < self._options.tries:
            self._again.add(target, now)
        else:
            self._over.add(target, now)

    def _send(self, target: Target, address: Address, now: float) -> Failure | None:
        """Send one request; return why it could not be sent."""
        sock = self._sockets[address.family]
        number = len(target.sent_ns)
        target.sent_ns.append(time.time_ns())
        error: OSError | None = None
        for _ in range(_SENDS):
            try:
                sock.send(number & 0xFFFF, target.token, address.port_0)
            except OSError as exc:
                error = exc
            else:
                return None
            if isinstance(error, BlockingIOError) or error.errno in _OUR_SHORTAGE:
                target.sent_ns.pop()
                self._hold_back(sock, error, now)
                return _FULL
            self._take_refusals(sock)
        return _not_sent(address, error)

    def _hold_back(self, sock: EchoSocket, error: OSError, now: float) -> None:
        """Wait until the kernel has room: packets to absent neighbours fill the send buffer for seconds."""
        if isinstance(error, BlockingIOError):
            self._blocked = True
            events = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(sock, events, partial(self._on_event, sock))
        else:
            self._resume = now + _BACK_OFF_S

    def _on_event(self, sock: EchoSocket, events: int) -> None:
        """Take in what a socket has for us."""
        if events & selectors.EVENT_WRITE:
            self._blocked = False
            self._selector.modify(sock, selectors.EVENT_READ, partial(self._on_event, sock))
        self._take_replies(sock)
        self._take_refusals(sock)

    def _take_replies(self, sock: EchoSocket) -> None:
        targets = self._targets
        for token, number, arrived_ns in sock.replies():
            target = targets.get(token)
            if target is None or target.decided or number >= len(target.sent_ns):
                continue
            target.answers_echo = True
            if target.pings_prove:
                address = target.pinged[number % len(target.pinged)]
                rtt_ms = max(0, arrived_ns - target.sent_ns[number]) / 1e6
                self._verdict.echoed(target, address, rtt_ms)

    def _take_refusals(self, sock: EchoSocket) -> None:
        for refused, token, _ in sock.refusals():
            target = self._targets.get(token) or self._addressed(refused)
            if target and not target.decided and target.pings_prove:
                target.note(
                    refusal(Phase.PING, refused.reason, refused.destination, offender=refused.offender)
                )

    def _addressed(self, refused: Refused) -> Target | None:
        """Find the target of a refused packet by its address: a router need not quote as far as the token."""
        if not self._by_address:
            self._by_address = {
                address.text: each for each in self._targets.values() for address in each.pinged
            }
        return self._by_address.get(refused.destination)

    def _look_for_drops(self) -> None:
        """Notice replies that this machine threw away, so that our slowness makes no host silent."""
        dropped = sum(sock.dropped() for sock in self._sockets.values())
        if dropped != self._dropped:
            self._dropped = dropped
            self._drop_seen_ns = time.time_ns()


_FULL = Failure(Phase.PING, Reason.LOCAL_LIMIT, "the send buffer is full")


def _not_sent(address: Address, error: OSError | None) -> Failure:
    """Put into words why the kernel refused to send."""
    number = error.errno if error and error.errno else errno.EIO
    reason = from_errno(number) or Reason.LOCAL_LIMIT
    return refusal(Phase.PING, reason, address.text, number=number)
