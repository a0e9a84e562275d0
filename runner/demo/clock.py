"""The clock of the simulated devices."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """Return the time in UTC, the time zone of all devices."""
    return datetime.now(UTC)
