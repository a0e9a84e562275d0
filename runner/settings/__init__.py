"""All settings of a run."""

from runner.settings.flag import Flag
from runner.settings.settings import Settings

__all__ = ["Flag", "Settings"]
