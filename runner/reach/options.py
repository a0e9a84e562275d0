"""Options of a probe run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.text.quantities import Share

__all__ = ["Method", "ReachOptions"]


class Method(StrEnum):
    """The method by which a host is probed."""

    AUTO = "auto"
    """ICMP echo if this machine permits it, then TCP for silent hosts."""
    ICMP = "icmp"
    """ICMP echo only."""
    TCP = "tcp"
    """A TCP connection to the SSH port."""
    SSH = "ssh"
    """A TCP connection to the SSH port, and the server's banner."""


@dataclass(frozen=True, slots=True)
class ReachOptions:
    """How hosts are probed.

    Attributes:
        method: `auto`, `icmp`, `tcp` or `ssh`, as text or as a `Method`.
        timeout_s: Seconds to wait for the answer to each try.
        tries: Probes sent to a host that stays silent, before it counts as unreachable.
        rate: Packets and connections begun per second; None or 0 for no limit.
        resolve_timeout_s: Seconds to wait for an answer from the name servers.
        total_s: Seconds for all hosts, from the first probe on; None for no limit.
        max_fail: The number or share of hosts that may end other than `ok` before probing stops; None for
            no limit.

    Raises:
        UsageError: A value is invalid.
    """

    method: Method | str = Method.AUTO
    timeout_s: float = 1.0
    tries: int = 2
    rate: float | None = 10_000
    resolve_timeout_s: float = 5.0
    total_s: float | None = None
    max_fail: Share | None = None

    def __post_init__(self) -> None:
        """Refuse invalid values."""
        if self.method not in set(Method):
            raise UsageError(f"method is {self.method!r}; it can be one of {', '.join(Method)}")
        if not (0 < self.timeout_s < math.inf and 0 < self.resolve_timeout_s < math.inf):
            raise UsageError("a timeout has to be a number of seconds above 0")
        if self.tries < 1:
            raise UsageError(f"tries is {self.tries}; a host has to be probed at least once")
        if self.rate is not None and not 0 <= self.rate < math.inf:
            raise UsageError(f"rate is {self.rate}; it has to be packets a second, or 0 for no limit")
