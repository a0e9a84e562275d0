"""The order in which hosts are started; the values are those of Ansible's playbook keyword `order`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models import Host

__all__ = ["ORDERS", "arranged"]

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
"""The valid values."""


def arranged(hosts: Sequence[Host], order: str, seed: int | None = None) -> list[Host]:
    """Return hosts in an order.

    Args:
        hosts: The hosts, in inventory order.
        order: One of `ORDERS`.
        seed: Seed for a repeatable shuffle; None shuffles differently each time.
    """
    found = list(hosts)
    if order == "shuffle":
        random.Random(seed).shuffle(found)  # noqa: S311 - the order is not a secret
    elif order in ("sorted", "reverse_sorted"):
        found.sort(key=lambda host: host.name, reverse=order == "reverse_sorted")
    elif order == "reverse_inventory":
        found.reverse()
    return found
