"""Make a host's result from the findings of its probes."""

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
"""Reasons that concern this machine and say nothing about the host."""


def unprobed(host: Host, address: str | None = None, port: int | None = None) -> HostResult:
    """Treat a host that cannot be probed as up."""
    return HostResult(host.name, Status.OK, address=address, port=port)


def invalid(host: Host, error: HostError) -> HostResult:
    """Report a host whose variables do not give a usable address."""
    return HostResult(host.name, error.status, phase=error.phase, reason=error.reason, error=str(error))


def reachable(
    target: Target, address: Address, method: str, rtt_ms: float, banner: str | None = None
) -> HostResult:
    """Report a host that answered; its SSH banner, if it was read, becomes the value."""
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
    """Report a host that did not answer, with the reason if one is known."""
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
    """Return the name of the method that was used last."""
    if target.connects:
        return "ssh" if options.method == "ssh" else "tcp"
    return "icmp" if target.pings else None


def _silence(target: Target, options: ReachOptions) -> Failure:
    """Return the failure for a host from which no answer and no error arrived."""
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
