"""Which hosts a task is about."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner import inventory as inventories
from runner import runs
from runner.errors import PatternError

if TYPE_CHECKING:
    from runner.inventory import Inventory
    from runner.models import Host
    from runner.settings import Settings

__all__ = ["select"]

logger = logging.getLogger(__name__)


def select(settings: Settings) -> tuple[Inventory, tuple[Host, ...]]:
    """Load the inventory and choose the hosts that the flags name.

    Raises:
        InventoryError: A source cannot be read.
        PatternError: The pattern names nothing.
    """
    inventory = inventories.load(*runs.inventory_sources(settings))
    hosts = inventory.select(settings.group, settings.limit)
    for line in inventory.warnings:
        logger.warning("%s", line)
    if not hosts:
        limit = f" limited to {settings.limit!r}" if settings.limit else ""
        raise PatternError(f"no host matches {settings.group!r}{limit} in {', '.join(inventory.sources)}")
    return inventory, hosts
