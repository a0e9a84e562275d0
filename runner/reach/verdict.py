"""The result of a host, from what its probes found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.models import Host, HostResult, Phase, Status
from runner.reach.reasons import Failure, Reason

if TYPE_CHECKING:
    from runner.errors import HostError
    from runner.reach.options import ReachOptions
    from runner.reach.target import Address, Target

__all__ = ["invalid", "reachable", "unprobed", "unreachable"]

_UNKNOWN = frozenset({Reason.LOCAL_LIMIT, Reason.NO_PERMISSION})
"""Reasons that tell of this machine, and leave open how the host is."""


def unprobed(host: Host, address: str | None = None, port: int | None = None) -> HostResult:
    """Let a host pass that no probe can judge."""
    return HostResult(host.name, Status.OK, address=address, port=port)


def invalid(host: Host, error: HostError) -> HostResult:
    """Report variables that do not say where the host is."""
    return HostResult(host.name, error.status, phase=error.phase, reason=error.reason, error=str(error))


def reachable(
    target: Target, address: Address, method: str, rtt_ms: float, banner: str | None = None
) -> HostResult:
    """Report a host that answered, with the banner of its SSH server as the value where that was read."""
    return HostResult(
        target.host.name,
        Status.OK,
        address.text,
        target.port,
        rtt_ms,
        method,
        target.attempts,
        target.seconds(),
        value=banner,
    )


def unreachable(target: Target, options: ReachOptions) -> HostResult:
    """Report a host that did not answer, and why, as far as that is known."""
    failure = target.failure or _silence(target, options)
    address = target.addresses[0].text if target.addresses else target.address
    return HostResult(
        target.host.name,
        Status.ERROR if failure.reason in _UNKNOWN else Status.UNREACHABLE,
        address=address,
        port=target.port,
        method=_method(target, options),
        attempts=target.attempts,
        duration_s=target.seconds(),
        phase=failure.phase,
        reason=failure.reason.value,
        error=failure.error,
    )


def _method(target: Target, options: ReachOptions) -> str | None:
    """Name the method that had the last word."""
    if target.connects:
        return "ssh" if options.method == "ssh" else "tcp"
    return "icmp" if target.pings else None


def _silence(target: Target, options: ReachOptions) -> Failure:
    """Put into words that nobody said anything."""
    tries = f"in {options.tries} {'try' if options.tries == 1 else 'tries'} of {options.timeout_s:g} s"
    port = f"TCP port {target.port}"
    if target.answers_echo and not target.pings_prove:
        text = f"the host answers ICMP echo, but nothing comes from {port} {tries}: filtered"
        return Failure(Phase.CONNECT, Reason.FILTERED, text)
    if not target.connects:
        return Failure(Phase.PING, Reason.NO_REPLY, f"no reply to ICMP echo {tries}")
    if target.pings_prove:
        return Failure(
            Phase.CONNECT, Reason.NO_REPLY, f"no reply to ICMP echo, nor from {port}, {tries} each"
        )
    return Failure(Phase.CONNECT, Reason.NO_REPLY, f"no reply from {port} {tries}")
