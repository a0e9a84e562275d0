"""Probe many hosts at once, in one thread with one selector; yield each result as soon as it is decided."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator

from runner.errors import HostError, PermissionMissing
from runner.interpreter import at_rest
from runner.models import Endpoint, Host, HostResult, Phase
from runner.reach.bounds import Bounds
from runner.reach.connect import Connection, ConnectProbes
from runner.reach.icmp.echo import EchoProbes
from runner.reach.icmp.echo_socket import icmp_permitted
from runner.reach.options import Method, ReachOptions
from runner.reach.pacing import TokenBucket, interleave
from runner.reach.reasons import Failure, Reason
from runner.reach.resolve import Resolver, numeric_addresses
from runner.reach.route import Routes, given
from runner.reach.target import Address, Target
from runner.reach.verdict import invalid, reachable, unprobed, unreachable

__all__ = ["probe"]

_BATCH = 64
"""Most probes begun before the answers are read."""
_LEAST_WAIT_S = 0.005
"""Shortest wait: deadlines a few milliseconds apart are then handled together."""

HandOn = Callable[[Endpoint, socket.socket], None]


def probe(
    hosts: Iterable[Host],
    options: ReachOptions | None = None,
    *,
    routes: Routes = given,
    preconnected: HandOn | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Generator[HostResult, None, None]:
    """Find out which hosts are reachable.

    Every host gets exactly one result, in the order in which the results are decided: `OK`, `UNREACHABLE`, or
    `ERROR` if the host's variables or this machine's limits prevent a decision. Closing the iterator ends all
    probing at once. If a limit of the options stops the probing, hosts without a result are `CANCELLED`.

    With `auto`, a host at a loopback address is probed by TCP, because this machine answers echo for every
    such address; and a host behind a jump host counts as reachable without a probe, because only SSH can
    tell.

    Args:
        hosts: The hosts; all are read before the first probe is sent.
        options: How they are probed.
        routes: Returns the route to each host; by default, its address and port in the inventory.
        preconnected: Called with a host's endpoint and the connected, non-blocking socket that proved it
            reachable. Nothing has been read from the socket, and the function owns it. A server penalises
            addresses whose clients connect and leave, so a later login should use this socket. Without
            `preconnected`, the socket is closed.
        stopped: Tells whether the run has been stopped; it is asked several times per second.

    Raises:
        PermissionMissing: The method is `icmp`, and this user may not send ICMP echo.
    """
    options = options or ReachOptions()
    if options.method == Method.ICMP and (forbidden := icmp_permitted()):
        raise PermissionMissing(forbidden)
    return _probing(list(hosts), options, routes, preconnected, stopped)


def _probing(
    hosts: list[Host],
    options: ReachOptions,
    routes: Routes,
    preconnected: HandOn | None,
    stopped: Callable[[], bool] | None,
) -> Generator[HostResult, None, None]:
    """Open the sockets when the first result is requested, and close them after the last."""
    with contextlib.ExitStack() as stack:
        yield from _Session(hosts, options, routes, preconnected, stopped, stack).results()


class _Session:
    """One call of `probe`: runs the event loop, and decides by the reports of the echo and connect probes."""

    def __init__(
        self,
        hosts: list[Host],
        options: ReachOptions,
        routes: Routes,
        preconnected: HandOn | None,
        stopped: Callable[[], bool] | None,
        stack: contextlib.ExitStack,
    ) -> None:
        self._hosts = hosts
        self._options = options
        self._auto = options.method == Method.AUTO
        self._ways = routes
        self._preconnected = preconnected
        self._decided: deque[HostResult] = deque()
        self._undecided = 0
        self._targets: list[Target] = []
        self._bounds = Bounds(options, len(hosts), time.monotonic(), stopped)
        self._bucket = TokenBucket(options.rate, time.monotonic())
        self._selector = stack.enter_context(selectors.DefaultSelector())
        connects = ConnectProbes(options, self, self._selector, len(hosts))
        self._connects = stack.enter_context(contextlib.closing(connects))
        self._echoes = stack.enter_context(contextlib.closing(EchoProbes(options, self, self._selector)))
        self._resolver = stack.enter_context(contextlib.closing(Resolver(options.resolve_timeout_s)))
        self._selector.register(self._resolver, selectors.EVENT_READ, self._on_resolved)

    def results(self) -> Generator[HostResult, None, None]:
        """Yield a result for each host, as each is decided."""
        with at_rest():
            self._start()
        while self._decided or self._undecided:
            while self._decided:
                self._bounds.take(self._decided[0])
                yield self._decided.popleft()
            if self._undecided and self._bounds.are_reached(time.monotonic()):
                yield from self._stopped()
                return
            if self._undecided:
                self._turn()

    def _stopped(self) -> Iterator[HostResult]:
        """Yield a result for each undecided host, after a limit has stopped the probing."""
        return (self._bounds.stopped(each.host) for each in self._targets if not each.decided)

    def _start(self) -> None:
        """Store the results of hosts that need no probe; queue the others for lookup or probing."""
        located: list[Target] = []
        for host in self._hosts:
            target = self._target(host)
            if isinstance(target, HostResult):
                self._decided.append(target)
                continue
            self._undecided += 1
            self._targets.append(target)
            target.addresses = numeric_addresses(target.address, target.port)
            if target.addresses:
                located.append(target)
            else:
                self._resolver.add(target)
        for target in interleave(located, lambda each: each.addresses[0].subnet):
            self._probe(target)

    def _target(self, host: Host) -> Target | HostResult:
        """Return the target for a host, or its result if no probe is needed."""
        try:
            route = self._ways(host)
        except HostError as exc:
            return invalid(host, exc)
        if route is None:
            return unprobed(host)
        if self._auto and not route.direct:
            return unprobed(host, route.address, route.port)
        return Target(host, route.address, route.port)

    def _turn(self) -> None:
        """Wait for the next event, handle all events that are ready, and send as much as is permitted.

        Deadlines are compared with the time before the sockets were read: an answer that arrived while the
        caller was busy with earlier results still counts.
        """
        now = time.monotonic()
        ready = self._selector.select(self._wait_s(now))
        with at_rest():
            for key, events in ready:
                key.data(events)
            self._echoes.expire(now)
            self._connects.expire(now)
            self._expire_lookups(now)
            self._send()

    def _wait_s(self, now: float) -> float:
        """Return how many seconds to wait for the sockets at most."""
        if self._echoes.wants_to_send(now) or self._connects.wants_to_send(now):
            moments = [self._bucket.next_grant(), self._bounds.end]
            return max(0.0, min(each for each in moments if each is not None) - now)
        dues = [each.next_due() for each in (self._echoes, self._connects, self._resolver)]
        dues.append(self._bounds.end)
        due = min((due for due in dues if due is not None), default=None)
        longest = self._bounds.longest_wait_s
        if due is None:
            return longest
        return 0.0 if due <= now else min(max(_LEAST_WAIT_S, due - now), longest)

    def _send(self) -> None:
        """Send as much as the rate permits, but no more than one batch."""
        now = time.monotonic()
        for each in (self._echoes, self._connects):
            if each.wants_to_send(now):
                granted = self._bucket.take(_BATCH, now)
                self._bucket.give_back(granted - each.send(granted, now))

    def _expire_lookups(self, now: float) -> None:
        """Give up the name lookups that have taken too long."""
        due = self._resolver.next_due()
        if due is not None and due <= now:
            self._on_resolved(0)

    def _on_resolved(self, _events: int) -> None:
        """Continue with the hosts whose name lookup has ended."""
        for target, outcome in self._resolver.outcomes():
            if isinstance(outcome, Failure):
                target.failure = outcome
                self._down(target)
            else:
                target.addresses = outcome
                self._probe(target)

    def _probe(self, target: Target) -> None:
        """Start the first probe of a target whose addresses are known."""
        target.pings_prove = self._asks_by_echo(target)
        if target.pings_prove and self._echoes.add(target):
            return
        target.pings_prove = False
        if self._options.method == Method.ICMP:
            text = "this machine cannot send ICMP echo of that address family"
            target.failure = Failure(Phase.PING, Reason.NO_PERMISSION, text)
            self._down(target)
        else:
            self._connects.add(target)

    def _asks_by_echo(self, target: Target) -> bool:
        """Return whether an echo reply would prove the target reachable."""
        if self._auto:
            return not any(address.loopback for address in target.addresses)
        return self._options.method == Method.ICMP

    def echoed(self, target: Target, address: Address, rtt_ms: float) -> None:
        """See `EchoVerdict`."""
        self._decide(target, reachable(target, address, "icmp", rtt_ms))

    def silent(self, target: Target) -> None:
        """See `EchoVerdict`."""
        if self._auto:
            self._connects.add(target)
        else:
            self._down(target)

    def connected(self, connection: Connection, banner: str | None) -> None:
        """See `ConnectVerdict`."""
        target = connection.target
        method = Method.TCP if banner is None else Method.SSH
        result = reachable(target, connection.address, method.value, connection.rtt_ms or 0.0, banner)
        if self._preconnected:
            self._preconnected(Endpoint(target.address, target.port), connection.sock)
        else:
            connection.sock.close()
        self._decide(target, result)

    def unanswered(self, target: Target) -> None:
        """See `ConnectVerdict`; an echo during the last try shows whether only the port is filtered."""
        if not target.pings_prove:
            self._echoes.add(target)

    def unconnected(self, target: Target) -> None:
        """See `ConnectVerdict`."""
        self._down(target)

    def _decide(self, target: Target, result: HostResult) -> None:
        """Record the result of a target."""
        target.decided = True
        self._undecided -= 1
        self._decided.append(result)

    def _down(self, target: Target) -> None:
        self._decide(target, unreachable(target, self._options))
