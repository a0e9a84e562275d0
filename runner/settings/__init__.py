"""Everything that can be chosen for a run, in one place."""

from runner.settings.flag import Flag
from runner.settings.settings import Settings

__all__ = ["Flag", "Settings"]
