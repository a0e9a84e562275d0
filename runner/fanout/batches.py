"""Split hosts into batches that run one after another, canaries first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.models import Host
    from runner.text.quantities import Share

__all__ = ["cut"]


def cut(hosts: Sequence[Host], sizes: Sequence[Share]) -> Iterator[Sequence[Host]]:
    """Split hosts into batches; the last size repeats until no hosts remain.

    Args:
        hosts: The hosts.
        sizes: Sizes of the batches; a share is relative to all hosts. Empty means one batch.
    """
    begin, turn = 0, 0
    while begin < len(hosts):
        size = sizes[min(turn, len(sizes) - 1)].of(len(hosts)) if sizes else len(hosts)
        yield hosts[begin : begin + max(1, size)]
        begin += max(1, size)
        turn += 1
