"""`trust`: which keys do hosts show, and shall they be known from now on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.settings.heeded import TASKS
from runner.tasks.fleet import FleetTask

if TYPE_CHECKING:
    from runner.tasks.fleet import Call

__all__ = ["trust"]


def _trust(call: Call, yes: bool = False, hash: bool = False, replace_changed: bool = False) -> int:  # noqa: A002 - the flag's name
    """Show the keys of hosts, all at once, and record those that are not known yet."""
    from runner.tasks import trusting  # noqa: PLC0415 - tasks are listed without loading what runs them

    return trusting.carry_out(call.settings, trusting.Choice(yes, hash, replace_changed))


trust = FleetTask(
    _trust,
    name="trust",
    heeded=TASKS["trust"],
    help={
        "yes": "record them without asking",
        "hash": "write the names of hosts hashed",
        "replace-changed": "record a key that has changed, too, in place of the one on record",
    },
)
