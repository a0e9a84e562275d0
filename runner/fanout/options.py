"""How work is spread over hosts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.text.quantities import Share, Spread

__all__ = ["FanoutOptions"]


@dataclass(frozen=True, slots=True)
class FanoutOptions:
    """How work is spread over hosts.

    Attributes:
        executor: Name of the executor.
        workers: Hosts in flight at once.
        adaptive: Whether it is found out how many are good, and `workers` is only the most.
        spare: Hosts that may be in flight beyond that while so many others are overdue; None is none.
        executor_settings: What the executor's factory may want to know, by name.
        rate: Hosts started a second; None is no limit.
        batches: Sizes of the batches that follow one another, the last used again; empty is all at once.
        max_fail: No more hosts are started when more than this share did not end `ok`.
        max_refused: No more hosts are started when so many logins in a row were refused; 0 is any number.
        ping: Whether hosts are pinged first, from here.
        order: In which order hosts are started: one of `runner.fanout.order.ORDERS`.
        seed: By which they are shuffled the same way again.
        spread: Which hosts are never at work together.
        total_s: Seconds for all of it; None is no limit.
        repeatable: Whether a host is given to another worker when its own died, though nobody knows how far
            that had come.
    """

    executor: str = "thread"
    workers: int = 50
    adaptive: bool = False
    spare: Share | None = None
    executor_settings: Mapping[str, Any] = field(default_factory=dict)
    rate: float | None = None
    batches: tuple[Share, ...] = ()
    max_fail: Share | None = None
    max_refused: int = 5
    ping: bool = True
    order: str = "inventory"
    seed: int | None = None
    spread: Spread | None = None
    total_s: float | None = None
    repeatable: bool = False
