"""How work is spread over hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.quantities import Share

__all__ = ["FanoutOptions"]


@dataclass(frozen=True, slots=True)
class FanoutOptions:
    """How work is spread over hosts.

    Attributes:
        executor: Name of the executor.
        workers: Hosts in flight at once.
        rate: Hosts started a second; None is no limit.
        batches: Sizes of the batches that follow one another, the last used again; empty is all at once.
        max_fail: No more hosts are started when more than this share did not end `ok`.
        max_refused: No more hosts are started when so many logins in a row were refused; 0 is any number.
        ping: Whether hosts are pinged first.
    """

    executor: str = "thread"
    workers: int = 50
    rate: float | None = None
    batches: tuple[Share, ...] = ()
    max_fail: Share | None = None
    max_refused: int = 5
    ping: bool = True
