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
        adaptive: Whether the number of hosts in flight adapts to the results, with `workers` as the maximum.
        spare: Extra hosts in flight, one for each overdue host, up to this share; None means none.
        executor_settings: Settings for the executor's factory, by name.
        rate: Hosts started per second; None means unlimited.
        batches: Sizes of the batches, run one after another; the last size repeats. Empty means one batch.
        max_fail: Start no more hosts if more than this share did not end `ok`.
        max_refused: Start no more hosts after this number of refused logins in a row; 0 means unlimited.
        ping: Whether to ping hosts first.
        order: In which order hosts are started: one of `runner.fanout.order.ORDERS`.
        seed: Seed for a repeatable shuffle.
        spread: Limits how many hosts with the same value of a variable are in flight.
        total_s: Time limit of the whole run, in seconds; None means unlimited.
        repeatable: Whether to give a host to another worker if its worker died, although it is unknown how
            much of the job was done.
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
