"""One host under probe: where it is, what was sent to it, and what is known so far."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from runner.models import Endpoint, Host
    from runner.reach.reasons import Failure

__all__ = ["Address", "Target"]

_THIS_MACHINE = frozenset({"::1", "0.0.0.0", "::"})  # noqa: S104 - nothing listens here


class Address(NamedTuple):
    """An address as the socket calls take it.

    Attributes:
        family: `AF_INET` or `AF_INET6`.
        sockaddr: The address and TCP port, and for IPv6 flow and scope.
    """

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The address alone."""
        return str(self.sockaddr[0])

    @property
    def port_0(self) -> tuple[Any, ...]:
        """The address as ICMP sockets take it, where a port has no meaning."""
        return (self.sockaddr[0], 0, *self.sockaddr[2:])

    @property
    def loopback(self) -> bool:
        """Whether it is this machine itself (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).

        The unspecified addresses are, too: Linux takes them for loopback.
        """
        return self.text.startswith("127.") or self.text in _THIS_MACHINE

    @property
    def subnet(self) -> str | bytes:
        """The /24 of an IPv4 address, the /64 of an IPv6 address."""
        if self.family == socket.AF_INET:
            return self.text.rpartition(".")[0]
        return socket.inet_pton(socket.AF_INET6, self.text.partition("%")[0])[:8]


@dataclass(slots=True, eq=False)
class Target:
    """A host from its first probe to its result.

    Attributes:
        host: The host.
        endpoint: Where its SSH server listens, as its variables say.
        token: What its echo replies bring back.
        started: Monotonic time of its first packet or lookup; None before that.
        addresses: Every address of it, in the order of preference.
        pinged: Those of them that echo requests are sent to, in each wave in this order.
        sent_ns: When each echo request was sent, in nanoseconds of `time.time_ns`.
        connects: How many times TCP connections to it were begun.
        pings_prove: Whether an echo reply decides that it is up.
        answers_echo: Whether an echo reply came that does not decide that.
        failure: Why it is not reachable, as far as anybody said; None where there was only silence.
        decided: Whether it has its result.
    """

    host: Host
    endpoint: Endpoint
    token: bytes
    started: float | None = None
    addresses: tuple[Address, ...] = ()
    pinged: tuple[Address, ...] = ()
    sent_ns: list[int] = field(default_factory=list)
    connects: int = 0
    pings_prove: bool = False
    answers_echo: bool = False
    failure: Failure | None = None
    decided: bool = False

    @property
    def pings(self) -> int:
        """How many waves of echo requests were sent to it."""
        return len(self.sent_ns) // len(self.pinged) if self.pinged else 0

    @property
    def attempts(self) -> int:
        """How many times it was probed by a method that could have proven it up."""
        return self.connects + (self.pings if self.pings_prove else 0)

    def begin(self, now: float) -> None:
        """Take in that work on it begins, if it has not."""
        if self.started is None:
            self.started = now

    def seconds(self) -> float:
        """Tell for how long it has been worked on."""
        return 0.0 if self.started is None else time.monotonic() - self.started

    def note(self, failure: Failure) -> None:
        """Remember what somebody said about why a probe failed: the first word of the latest phase counts."""
        if self.failure is None or self.failure.phase is not failure.phase:
            self.failure = failure
