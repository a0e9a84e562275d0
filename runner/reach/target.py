"""The state of one host during probing: its addresses, the probes sent, and the findings so far."""

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
    """An address in the form that socket calls take.

    Attributes:
        family: `AF_INET` or `AF_INET6`.
        sockaddr: The address and TCP port, and for IPv6 flow and scope.
    """

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The address without port, flow and scope."""
        return self.sockaddr[0]  # type: ignore[no-any-return]

    @property
    def pinged(self) -> tuple[Any, ...]:
        """The address in the form that ICMP sockets take.

        They ignore an IPv4 port; a raw IPv6 socket refuses any port but 0 (Linux's `rawv6_sendmsg`).
        """
        return self.sockaddr if self.family == socket.AF_INET else (self.sockaddr[0], 0, *self.sockaddr[2:])

    @property
    def loopback(self) -> bool:
        """Whether it is a loopback address (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).

        The unspecified addresses count too: Linux treats them as loopback.
        """
        text = self.text
        return text.startswith("127.") or text in _THIS_MACHINE

    @property
    def subnet(self) -> str | bytes:
        """The /24 prefix of an IPv4 address, the /64 prefix of an IPv6 address."""
        if self.family == socket.AF_INET:
            return self.text.rpartition(".")[0]
        return socket.inet_pton(socket.AF_INET6, self.text.partition("%")[0])[:8]


@dataclass(slots=True, eq=False)
class Target:
    """A host from its first probe to its result.

    Attributes:
        host: The host.
        address: The address or name of its SSH server, as configured.
        port: The TCP port of its SSH server.
        started: Monotonic time of its first packet or lookup; None before that.
        addresses: All its addresses, in order of preference.
        pinged: The addresses that echo requests are sent to, in this order.
        pings: The number of waves of echo requests sent.
        unsent: The number of requests of the latest wave still to be sent.
        echoes: The number of requests sent in all, without those that this machine's kernel refused.
        pinged_at: Monotonic time at which the latest wave was fully sent.
        connects: The number of TCP tries begun.
        pings_prove: Whether an echo reply proves that the host is up.
        answers_echo: Whether an echo reply arrived while `pings_prove` is False.
        failure: The reported reason why it is not reachable; None if there was only silence.
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
        """The number of probes by a method that can prove the host up."""
        return self.connects + (self.pings if self.pings_prove else 0)

    def begin(self, now: float) -> None:
        """Set the start time, unless it is set."""
        if self.started is None:
            self.started = now

    def seconds(self) -> float:
        """Return the seconds since the start; 0 before it."""
        return 0.0 if self.started is None else time.monotonic() - self.started

    def note(self, failure: Failure) -> None:
        """Record why a probe failed; the first failure of the latest phase is kept."""
        if self.failure is None or self.failure.phase is not failure.phase:
            self.failure = failure
