"""What time the devices believe it is."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """Return the time in UTC, the zone that all devices are set to."""
    return datetime.now(UTC)
