"""Load the inventory of a task or script, and select hosts from it."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from runner import inventory as inventories
from runner.errors import PatternError, UsageError
from runner.interpreter import at_rest
from runner.runs.questions import nobody
from runner.settings.configuration import inventory_options, inventory_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.inventory import Inventory
    from runner.inventory.vault import Vault
    from runner.models import Host, Secret
    from runner.runs.questions import Ask
    from runner.settings import Settings

__all__ = ["load_inventory", "select"]

_warn = partial(logging.getLogger(__name__).warning, "%s")


def load_inventory(
    settings: Settings,
    ask: Ask = nobody,
    *,
    traced: bool = False,
    told: Callable[[str], None] | None = _warn,
) -> Inventory:
    """Load the inventory that the settings name, with the passwords of its vaults.

    Args:
        settings: The settings.
        ask: Asks the operator for a vault password. In a script, a missing vault password is an error only
            if it is needed.
        traced: Whether to remember where everything was set.
        told: Called with each warning about the inventory, now and later when variables are read; None
            discards the warnings.

    Raises:
        InventoryError: A source cannot be read.
    """
    options = inventory_options(settings, traced=traced)
    with at_rest(keep=ask is not nobody):  # a script may load many inventories, one after the other
        options = replace(options, vault=_vault(settings, ask), told=told)
        return inventories.load(*inventory_sources(settings), options=options)


def _vault(settings: Settings, ask: Ask) -> Vault | None:
    """Return the vault passwords; ask for the prompted ones now, each once."""
    identities = (*settings.vault_password_file, *settings.vault_id)
    if settings.ask_vault_pass:
        identities = (*identities, "default@prompt")
    if not identities:
        return None
    from runner.inventory.vault_ids import vault_of  # noqa: PLC0415 - few inventories have vaults

    asked: dict[str, Secret] = {}

    def once(label: str) -> Secret:
        if ask is nobody:
            raise UsageError(f"the vault password of {label!r} cannot be asked for here; name a file")
        if label not in asked:
            asked[label] = ask(f"Vault password ({label})")
        return asked[label]

    settled = {name: getattr(settings, name) for name in ("vault_password_file", "vault_id")}
    found = [each for name, given in settled.items() if not settings.is_named(name) for each in given]
    vault = vault_of(identities, once, found)
    prompts = [identity for identity in identities if identity.endswith("@prompt")]
    for label in (identity.partition("@")[0] for identity in prompts if ask is not nobody):
        once(label)  # ask now, not from a worker in the middle of a run
    return vault


def select(settings: Settings, ask: Ask) -> tuple[Inventory, tuple[Host, ...]]:
    """Load the inventory, and select the hosts that the flags name.

    Raises:
        InventoryError: A source cannot be read.
        PatternError: No host matches the pattern.
    """
    with at_rest(keep=True):
        inventory = load_inventory(settings, ask)
        hosts = inventory.select(settings.group, settings.limit)
    if not hosts:
        limit = f" limited to {settings.limit!r}" if settings.limit else ""
        raise PatternError(f"no host matches {settings.group!r}{limit} in {', '.join(inventory.sources)}")
    return inventory, hosts
