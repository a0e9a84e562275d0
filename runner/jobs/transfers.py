"""File transfers and scripts as jobs."""

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
        transfer: The transfer or script.
    """

    transfer: Transfer

    @property
    def commands(self) -> tuple[str, ...]:
        """The transfer as one line for reports."""
        return (str(self.transfer),)

    @property
    def arguments(self) -> Mapping[str, object]:
        """Details of the transfer that `commands` does not show, for the history."""
        return self.transfer.identity

    def fitted(self, hosts: Sequence[str]) -> TransferJob:
        """Return this job for a run over these hosts, so that no two of them write to the same folder."""
        if not isinstance(self.transfer, Get):
            return self
        unusual = {host: name for host, name in file_names(hosts).items() if name != file_name(host)}
        return replace(self, transfer=replace(self.transfer, names=unusual))

    def __call__(self, session: Session) -> None:
        """Do the transfer."""
        session.do(self.transfer)
