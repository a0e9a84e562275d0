"""Transfers as jobs: what workers are handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.jobs import Session
    from runner.transfer.moves import Transfer

__all__ = ["TransferJob"]


@dataclass(frozen=True, slots=True)
class TransferJob:
    """Move files, or run a script.

    Attributes:
        transfer: From where to where.
    """

    transfer: Transfer

    @property
    def commands(self) -> tuple[str, ...]:
        """What is done, as reports name it."""
        return (str(self.transfer),)

    def __call__(self, session: Session) -> None:
        """Do it."""
        session.carry_out(self.transfer)
