"""What can go wrong with the lab, in words that say how to mend it."""

from __future__ import annotations

from runner.errors import RunnerError

__all__ = ["LabError", "LabUnavailable"]


class LabError(RunnerError):
    """The lab could not be brought up, changed or taken down."""


class LabUnavailable(LabError):
    """This machine or user cannot have the lab now: no root, missing packages, another checkout has it."""
