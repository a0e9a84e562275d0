"""Which hosts a task is about."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from runner import inventory as inventories
from runner.configuration import inventory_options, inventory_sources
from runner.errors import PatternError
from runner.interpreter import at_rest

if TYPE_CHECKING:
    from runner.inventory import Inventory
    from runner.inventory.vault import Vault
    from runner.models import Host, Secret
    from runner.runs.questions import Ask
    from runner.settings import Settings

__all__ = ["load", "select"]

logger = logging.getLogger(__name__)


def load(settings: Settings, ask: Ask, *, traced: bool = False) -> Inventory:
    """Load the inventory that the settings name, with what opens its vaults.

    Args:
        settings: The settings.
        ask: Asks the operator for a vault password.
        traced: Whether to remember where everything was set.

    Raises:
        InventoryError: A source cannot be read.
    """
    options = inventory_options(settings, traced=traced)
    with at_rest(keep=True):
        return inventories.load(*inventory_sources(settings), vault=_vault(settings, ask), options=options)


def _vault(settings: Settings, ask: Ask) -> Vault | None:
    """Return what opens encrypted values; who is to be asked for a password is asked now, and once."""
    identities = (*settings.vault_password_file, *settings.vault_id)
    if settings.ask_vault_pass:
        identities = (*identities, "default@prompt")
    if not identities:
        return None
    from runner.inventory.vault_ids import vault_of  # noqa: PLC0415 - few have passwords

    asked: dict[str, Secret] = {}

    def once(label: str) -> Secret:
        if label not in asked:
            asked[label] = ask(f"Vault password ({label})")
        return asked[label]

    settled = {name: getattr(settings, name) for name in ("vault_password_file", "vault_id")}
    found = [each for name, given in settled.items() if not settings.is_named(name) for each in given]
    vault = vault_of(identities, once, found)
    for label in (identity.partition("@")[0] for identity in identities if identity.endswith("@prompt")):
        once(label)  # now, and not from a worker in the middle of a run
    return vault


def select(settings: Settings, ask: Ask) -> tuple[Inventory, tuple[Host, ...]]:
    """Load the inventory, say what is odd about it, and choose the hosts that the flags name.

    Raises:
        InventoryError: A source cannot be read.
        PatternError: The pattern names nothing.
    """
    with at_rest(keep=True):
        inventory = load(settings, ask)
        hosts = inventory.select(settings.group, settings.limit)
    for line in inventory.warnings:
        logger.warning("%s", line)
    if not hosts:
        limit = f" limited to {settings.limit!r}" if settings.limit else ""
        raise PatternError(f"no host matches {settings.group!r}{limit} in {', '.join(inventory.sources)}")
    return inventory, hosts
