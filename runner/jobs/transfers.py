"""Transfers as jobs: what workers are handed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.text.file_names import file_name, file_names
from runner.transfer.moves import Get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    @property
    def arguments(self) -> Mapping[str, object]:
        """What is done beside what `commands` says, as the history keeps it."""
        return self.transfer.identity

    def fitted(self, hosts: Sequence[str]) -> TransferJob:
        """Return this job for a run over these hosts, no two of which may write to the same folder."""
        if not isinstance(self.transfer, Get):
            return self
        unusual = {host: name for host, name in file_names(hosts).items() if name != file_name(host)}
        return replace(self, transfer=replace(self.transfer, names=unusual))

    def __call__(self, session: Session) -> None:
        """Do it."""
        session.carry_out(self.transfer)
