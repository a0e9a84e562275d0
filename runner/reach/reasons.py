"""Reasons why a host is not reachable: a short fixed code for scripts, with one line for people.

ICMP types and codes are those of RFC 792 and RFC 1812 section 5.2.7.1 (IPv4) and RFC 4443 (IPv6).
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.models import Phase

__all__ = ["Failure", "Reason", "from_errno", "from_icmp", "of_connect", "refusal"]


class Reason(StrEnum):
    """Why a probe did not prove its host reachable."""

    NAME_NOT_FOUND = "name-not-found"
    """The name server says that the name does not exist, or that it has no address."""
    RESOLVE_FAILED = "resolve-failed"
    """The name server could not say whether the name exists."""
    RESOLVE_TIMEOUT = "resolve-timeout"
    """No answer from the name server within the deadline."""
    NO_REPLY = "no-reply"
    """No answer at all: the host is down, or a device on the way drops packets silently."""
    NO_ROUTE = "no-route"
    """This machine or a router on the way has no route to the address, or the next hop does not answer."""
    PROHIBITED = "prohibited"
    """A route, filter or firewall reports that it rejects the probe."""
    BLACKHOLE = "blackhole"
    """This machine's own routing table discards the packets, or the address cannot belong to a host."""
    TTL_EXCEEDED = "ttl-exceeded"
    """The packet was forwarded until its hop limit was used up, which usually means a routing loop."""
    PORT_CLOSED = "port-closed"
    """The host answers, but nothing listens on its SSH port."""
    FILTERED = "filtered"
    """The host answers ICMP echo, but its SSH port does not answer."""
    NO_BANNER = "no-banner"
    """The SSH port accepts connections but sends no banner."""
    NOT_SSH = "not-ssh"
    """The SSH port speaks something other than SSH."""
    CLOSED_EARLY = "closed-early"
    """The SSH port accepted the connection and closed it before sending a banner."""
    LOCAL_LIMIT = "local-limit"
    """This machine had no file, port or memory left for a probe; nothing is known about the host."""
    NO_PERMISSION = "icmp-not-permitted"
    """This machine cannot send ICMP echo of the host's address family; nothing is known about the host."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a host could not be proven reachable, as its result reports it.

    Attributes:
        phase: The phase in which the probe failed.
        reason: The short fixed code.
        error: One line for people.
    """

    phase: Phase
    reason: Reason
    error: str


_NO_ROUTE_V4 = frozenset({0, 1, 5, 6, 7, 8, 11, 12})
_PROHIBITED_V4 = frozenset({2, 3, 9, 10, 13, 14, 15})
_NO_ROUTE_V6 = frozenset({0, 2, 3})
_PROHIBITED_V6 = frozenset({1, 4, 5, 6})

_ERRNO_REASONS = {
    errno.ENETUNREACH: Reason.NO_ROUTE,
    errno.EHOSTUNREACH: Reason.NO_ROUTE,
    errno.ENETDOWN: Reason.NO_ROUTE,
    errno.EHOSTDOWN: Reason.NO_ROUTE,
    errno.EAFNOSUPPORT: Reason.NO_ROUTE,
    errno.EACCES: Reason.PROHIBITED,
    errno.EPERM: Reason.PROHIBITED,
    errno.EINVAL: Reason.BLACKHOLE,
    errno.ECONNREFUSED: Reason.PORT_CLOSED,
    errno.ECONNRESET: Reason.CLOSED_EARLY,
    errno.ETIMEDOUT: Reason.NO_REPLY,
}

_PASSING = (errno.ECONNRESET, errno.ETIMEDOUT)

_TEXTS = {
    Reason.NO_ROUTE: "no route to host",
    Reason.PROHIBITED: "prohibited by a route or firewall",
    Reason.BLACKHOLE: "thrown away by a blackhole route of this machine, or no host's address",
    Reason.TTL_EXCEEDED: "hop limit exceeded on the way, as in a routing loop",
    Reason.PORT_CLOSED: "connection refused: nothing listens on the SSH port",
    Reason.CLOSED_EARLY: "connection reset",
    Reason.NO_REPLY: "no reply",
}


def from_icmp(family: int, icmp_type: int, code: int) -> Reason | None:
    """Return the reason that an ICMP error message gives; None if it says nothing about the host."""
    if family == socket.AF_INET6:
        return _lookup(icmp_type == 1, code, _NO_ROUTE_V6, _PROHIBITED_V6, expired=icmp_type == 3)  # noqa: PLR2004
    return _lookup(icmp_type == 3, code, _NO_ROUTE_V4, _PROHIBITED_V4, expired=icmp_type == 11)  # noqa: PLR2004


def _lookup(
    unreachable: bool, code: int, no_route: frozenset[int], prohibited: frozenset[int], *, expired: bool
) -> Reason | None:
    """Return the reason for a code of "destination unreachable", by the two sets of codes."""
    if unreachable and code in no_route:
        return Reason.NO_ROUTE
    if unreachable and code in prohibited:
        return Reason.PROHIBITED
    return Reason.TTL_EXCEEDED if expired else None


def from_errno(number: int) -> Reason | None:
    """Return the reason that a socket error gives; None if it concerns only this machine."""
    return _ERRNO_REASONS.get(number)


def of_connect(number: int) -> tuple[str, str, bool]:
    """Return reason, text and whether it may pass, for the errno with which connect(2) failed.

    The reason is `connect-failed` if none of the fixed ones fits.
    """
    reason = from_errno(number)
    return reason or "connect-failed", _text(reason, number), number in _PASSING


def refusal(phase: Phase, reason: Reason, *, offender: str | None = None, number: int = 0) -> Failure:
    """Return the failure for a refusal; its text omits the host's address, so that equal errors are grouped.

    Args:
        phase: The phase in which the probe failed.
        reason: The reason code.
        offender: The address that refused, if it was not this machine.
        number: The errno, whose text is used if the reason has no text.
    """
    text = _text(reason, number)
    says = f", says {offender}" if offender else ""
    return Failure(phase, reason, f"{text}{says}")


def _text(reason: Reason | None, number: int) -> str:
    """Return the line for a reason, or the system's text for an errno if the reason has none."""
    return (_TEXTS.get(reason) if reason is not None else None) or os.strerror(number)
