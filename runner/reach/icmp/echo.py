"""Send ICMP echo requests to many hosts at once, and repeat them for the hosts still silent."""

from __future__ import annotations

import errno
from collections import deque
from time import monotonic_ns, time_ns
from typing import TYPE_CHECKING, Protocol

from runner.models import Phase
from runner.reach.icmp.echo_sockets import EchoSockets
from runner.reach.icmp.packet import TOKEN_BYTES, fresh_tokens
from runner.reach.pacing import Deadlines
from runner.reach.reasons import Failure, Reason, from_errno, refusal

if TYPE_CHECKING:
    import selectors

    from runner.reach.icmp.echo_socket import EchoSocket
    from runner.reach.icmp.errqueue import Refused
    from runner.reach.options import ReachOptions
    from runner.reach.target import Address, Target

__all__ = ["EchoProbes", "EchoVerdict"]

_NEXT_TRY = 1 / 3
"""The share of a try's timeout after which the next try is sent."""
_BURST = 64
"""Most packets sent before the replies are read: unread replies overflow the socket's buffer."""
_LEAST_BURST = 4
"""The least burst to which `_BURST` is reduced when the socket overflows all the same."""
_EXTRA_TRIES = 3
"""Extra tries for a silent host if this machine has dropped replies."""
_OUR_SHORTAGE = frozenset({errno.ENOBUFS, errno.ENOMEM})
_SHORTAGES_IN_A_ROW = 32
"""Sending pauses after this many packets in a row that the kernel had no room for."""
_BACK_OFF_S = 0.01
_SHORTAGE_S = 30.0
"""Seconds without a single packet sent, after which the kernel's shortage counts as a failure."""


class EchoVerdict(Protocol):
    """Receives the outcome of the echo probes of a host."""

    def echoed(self, target: Target, address: Address, rtt_ms: float) -> None:
        """Record a reply, which proves the host up."""

    def silent(self, target: Target) -> None:
        """Record that no try was answered; the target's `failure` holds the reason, if one is known."""


class EchoProbes:
    """Sends echo requests, repeats them for silent hosts, and matches the replies.

    The next try is sent after a third of a try's timeout, while the previous one may still be answered. Every
    try gets its whole timeout, and a silent host still takes less than tries x timeout.

    Args:
        options: Timeout and tries.
        verdict: Receives the outcomes.
        selector: The selector that watches the sockets.
    """

    def __init__(self, options: ReachOptions, verdict: EchoVerdict, selector: selectors.BaseSelector) -> None:
        self._options = options
        self._verdict = verdict
        self._sockets = EchoSockets(selector, self._receive)
        self._sent: dict[bytes, tuple[Target, Address, int, int]] = {}
        self._by_address: dict[str, Target] | None = None
        self._queue: deque[tuple[Target, Address]] = deque()
        self._again: Deadlines[Target] = Deadlines(options.timeout_s * _NEXT_TRY)
        self._over: Deadlines[Target] = Deadlines(options.timeout_s)
        self._shortages = 0
        self._short_since = 0.0
        self._resume = 0.0
        self._dropped = 0
        self._drop_seen = 0.0
        self._burst = _BURST

    def close(self) -> None:
        """Close the sockets."""
        self._sockets.close()

    def add(self, target: Target) -> bool:
        """Ping all addresses of a target whose family this machine can ping; return False if there are none.

        The first address to answer proves the target up.
        """
        target.pinged = self._sockets.spoken(target.addresses)
        if not target.pinged:
            return False
        if self._by_address is not None:
            self._by_address |= {address.text: target for address in target.pinged}
        self._begin_wave(target)
        return True

    def wants_to_send(self, now: float) -> bool:
        """Return whether a probe could be sent now."""
        return bool(self._queue) and now >= self._resume and not self._sockets.full

    def send(self, limit: int, now: float) -> int:
        """Send up to `limit` echo requests, and return how many were sent."""
        sent = 0
        for token in fresh_tokens(min(limit, self._burst, len(self._queue))):
            target, address = self._queue.popleft()
            if target.decided:
                continue
            if self._request(target, address, token, now):
                sent += 1
            elif not self.wants_to_send(now):
                break
        return sent

    def expire(self, now: float) -> None:
        """Send the next try to silent hosts, or report them as silent."""
        for target in self._again.expired(now):
            if not target.decided:
                self._begin_wave(target)
        over = [target for target in self._over.expired(now) if not target.decided]
        if over:
            self._look_for_drops(now)
        for target in over:
            dropped = target.pinged_at < self._drop_seen
            if dropped and target.pings < self._options.tries + _EXTRA_TRIES:
                self._begin_wave(target)
            else:
                self._verdict.silent(target)

    def next_due(self) -> float | None:
        """Return the monotonic time of the next `expire` or `send`; None if only replies are awaited."""
        resume = self._resume if self._queue and not self._sockets.full else None
        dues = (self._again.next_due(), self._over.next_due(), resume)
        return min((due for due in dues if due is not None), default=None)

    def _begin_wave(self, target: Target) -> None:
        """Queue one request to each address of a target."""
        target.unsent = len(target.pinged)
        for address in target.pinged:
            self._queue.append((target, address))

    def _request(self, target: Target, address: Address, token: bytes, now: float) -> bool:
        """Send one request; return False if it has to be sent later, True also if the kernel refuses it."""
        if target.started is None:
            target.started = now
        self._sent[token] = target, address, time_ns(), monotonic_ns()
        try:
            room = self._sockets.send(address, target.pings & 0xFFFF, token)
        except OSError as exc:
            del self._sent[token]
            if exc.errno in _OUR_SHORTAGE and not self._short_for_long(now):
                self._put_off(target, address, now)
                return False
            target.note(_not_sent(exc))
        else:
            if not room:
                del self._sent[token]
                self._queue.appendleft((target, address))
                return False
            self._shortages = 0
            target.echoes += 1
        target.unsent -= 1
        if not target.unsent:
            self._await(target, now)
        return True

    def _await(self, target: Target, now: float) -> None:
        """Schedule the end of a wave; do not wait for an echo that only helps to detect a filtered port."""
        target.pings += 1
        target.pinged_at = now
        if not target.pings_prove:
            return
        if not target.echoes:
            self._verdict.silent(target)
        elif target.pings < self._options.tries:
            self._again.add(target, now)
        else:
            self._over.add(target, now)

    def _put_off(self, target: Target, address: Address, now: float) -> None:
        """Requeue a host behind the others while the kernel has no room for it, as in its neighbour table."""
        self._queue.append((target, address))
        self._shortages += 1
        if self._shortages == 1:
            self._short_since = now
        if self._shortages % _SHORTAGES_IN_A_ROW == 0:
            self._resume = now + _BACK_OFF_S

    def _short_for_long(self, now: float) -> bool:
        """Return whether no packet could be sent for so long that waiting is pointless."""
        return self._shortages > 0 and now - self._short_since > _SHORTAGE_S

    def _receive(self, sock: EchoSocket) -> None:
        """Read the replies and refusals of a socket."""
        for token, arrived_ns in sock.replies():
            sent = self._sent.pop(token, None)
            if sent is None:
                continue
            target, address, sent_ns, sent_monotonic_ns = sent
            if target.decided:
                continue
            if target.pings_prove:
                took_ns = _took_ns(arrived_ns, sent_ns, sent_monotonic_ns)
                self._verdict.echoed(target, address, took_ns / 1e6)
            else:
                target.answers_echo = True
        for refused, token in sock.refusals():
            target_of = self._refused(refused, token)
            if target_of and target_of.pings_prove and not target_of.decided:
                target_of.note(refusal(Phase.PING, refused.reason, offender=refused.offender))

    def _refused(self, refused: Refused, token: bytes) -> Target | None:
        """Find the target of a refused packet, by its token or, if that is not quoted, by its address."""
        if len(token) == TOKEN_BYTES:
            sent = self._sent.get(token)
            return sent[0] if sent else None
        if self._by_address is None:
            self._by_address = {address.text: target for target, address, *_ in self._sent.values()}
            self._by_address |= {address.text: target for target, address in self._queue}
        return self._by_address.get(refused.destination)

    def _look_for_drops(self, now: float) -> None:
        """Detect replies that this machine dropped, so that their hosts are not reported as silent.

        The requests are then repeated, in smaller bursts.
        """
        dropped = self._sockets.dropped()
        if dropped != self._dropped:
            self._dropped = dropped
            self._drop_seen = now
            self._burst = max(_LEAST_BURST, self._burst // 4)


def _took_ns(arrived_ns: int, sent_ns: int, sent_monotonic_ns: int) -> int:
    """Return the round-trip time of an echo.

    The kernel stamps the reply's arrival with the wall clock, which may have been set meanwhile. The time
    until the reply was read is used instead if the stamp makes no sense.
    """
    most = monotonic_ns() - sent_monotonic_ns
    took = arrived_ns - sent_ns
    return took if 0 <= took <= most else most


def _not_sent(error: OSError) -> Failure:
    """Return the failure for a packet that the kernel refused to send."""
    number = error.errno or errno.EIO
    reason = from_errno(number) or Reason.LOCAL_LIMIT
    return refusal(Phase.PING, reason, number=number)
