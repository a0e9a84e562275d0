"""In which order hosts are started: Ansible's words for it (its playbook keyword `order`)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.models import Host

__all__ = ["ORDERS", "arranged"]

ORDERS = ("inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle")
"""The words."""


def arranged(hosts: Sequence[Host], order: str, seed: int | None = None) -> list[Host]:
    """Return hosts in an order.

    Args:
        hosts: The hosts, as the inventory has them.
        order: One of `ORDERS`.
        seed: By which the same hosts are shuffled the same way again; None is a new way each time.
    """
    found = list(hosts)
    if order == "shuffle":
        random.Random(seed).shuffle(found)  # noqa: S311 - nobody has to be kept from guessing it
    elif order in ("sorted", "reverse_sorted"):
        found.sort(key=lambda host: host.name, reverse=order == "reverse_sorted")
    elif order == "reverse_inventory":
        found.reverse()
    return found
