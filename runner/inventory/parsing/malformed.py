"""Errors for texts that are not in the expected format."""

from __future__ import annotations

from runner.errors import InventoryError

__all__ = ["NotADocument", "NotThisFormat"]


class NotThisFormat(InventoryError):
    """A source is not in the format that was tried; the next format may try it."""


class NotADocument(InventoryError):
    """A text is not a well-formed YAML or JSON document."""
