"""What is raised when a text is not written in the format that it was taken for."""

from __future__ import annotations

from runner.errors import InventoryError

__all__ = ["NotADocument", "NotThisFormat"]


class NotThisFormat(InventoryError):
    """A source turned out not to be written in the format it was taken for: the next one may try."""


class NotADocument(InventoryError):
    """A text that is no well-formed YAML or JSON document."""
