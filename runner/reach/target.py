"""One host under probe: where it is, what was sent to it, and what is known so far."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from runner.models import Host
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
        return self.sockaddr[0]  # type: ignore[no-any-return]

    @property
    def pinged(self) -> tuple[Any, ...]:
        """The address as ICMP sockets take it.

        They do not look at an IPv4 port; a raw IPv6 socket refuses any but 0 (`rawv6_sendmsg` of Linux).
        """
        return self.sockaddr if self.family == socket.AF_INET else (self.sockaddr[0], 0, *self.sockaddr[2:])

    @property
    def loopback(self) -> bool:
        """Whether it is this machine itself (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).

        The unspecified addresses are, too: Linux takes them for loopback.
        """
        text = self.text
        return text.startswith("127.") or text in _THIS_MACHINE

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
        address: The address or name of its SSH server, as it was given.
        port: The TCP port of its SSH server.
        started: Monotonic time of its first packet or lookup; None before that.
        addresses: Every address of it, in the order of preference.
        pinged: Those of them that echo requests are sent to, in each wave in this order.
        pings: How many waves of echo requests were sent to it.
        unsent: How many requests of the latest wave have still to be sent.
        echoes: How many requests were sent in all; the others were refused by this machine's kernel.
        pinged_at: Monotonic time at which the latest wave was over.
        connects: How many times TCP connections to it were begun.
        pings_prove: Whether an echo reply decides that it is up.
        answers_echo: Whether an echo reply came that does not decide that.
        failure: Why it is not reachable, as far as anybody said; None where there was only silence.
        decided: Whether it has its result.
    """

    host: Host
    address: str
    port: int
    started: float | None = None
    addresses: tuple[Address, ...] = ()
    pinged: tuple[Address, ...] = ()
    pings: int = 0
    unsent: int = 0
    echoes: int = 0
    pinged_at: float = 0.0
    connects: int = 0
    pings_prove: bool = False
    answers_echo: bool = False
    failure: Failure | None = None
    decided: bool = False

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
